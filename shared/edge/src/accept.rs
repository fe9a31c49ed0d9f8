//! Whether a client wants an error as JSON or as text (RFC 9110, 12.5.1).

/// The two forms of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preferred {
    Json,
    Text,
}

/// JSON unless text is preferred to it; no `Accept` means JSON.
pub(crate) fn preferred(accept: Option<&str>) -> Preferred {
    let Some(accept) = accept else {
        return Preferred::Json;
    };
    let (mut json, mut text) = (None, None);
    for (media_type, quality) in accept.split(',').take(32).map(entry) {
        let slot = match media_type.as_str() {
            "application/json" | "application/problem+json" | "application/*" | "*/*" => &mut json,
            "text/plain" | "text/html" | "text/*" => &mut text,
            _ => continue,
        };
        *slot = (*slot).max(Some(quality));
    }
    if text > json { Preferred::Text } else { Preferred::Json }
}

/// A media range and its quality in thousandths.
fn entry(range: &str) -> (String, u16) {
    let mut parts = range.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let quality = parts.find_map(|part| part.strip_prefix("q=")).and_then(|text| text.parse::<f32>().ok()).unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1000 first")]
    let thousandths = (quality.clamp(0.0, 1.0) * 1_000.0) as u16;
    (media_type, thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r40_json_by_default_and_text_where_it_is_preferred() {
        for json in [
            None,
            Some("*/*"),
            Some("application/json"),
            Some("text/plain;q=0.5, application/json"),
            Some("image/png"),
            Some(""),
            Some("text/plain, */*"),
        ] {
            assert_eq!(preferred(json), Preferred::Json, "{json:?}");
        }
        for text in [
            "text/plain",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "TEXT/PLAIN",
            "application/json;q=0.1,text/*;q=NaN, text/plain;q=0.2",
        ] {
            assert_eq!(preferred(Some(text)), Preferred::Text, "{text}");
        }
    }
}
