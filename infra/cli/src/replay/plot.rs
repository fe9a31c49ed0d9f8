//! The attempts of a log over time, as a picture: all of them, those refused today, those refused under the candidate.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use palisade_core::Timestamp;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 320.0;
const MARGIN: f64 = 48.0;
/// Colours that the colour-blind tell apart (Okabe and Ito).
const SERIES: [(&str, &str); 3] =
    [("attempts", "#999999"), ("refused today", "#E69F00"), ("refused under the candidate", "#0072B2")];

/// An SVG of counts per five minutes.
#[expect(clippy::cast_precision_loss, reason = "counts of a picture")]
pub fn svg(series: &BTreeMap<i64, [u64; 3]>) -> String {
    let (first, last) = (series.keys().next().copied().unwrap_or(0), series.keys().next_back().copied().unwrap_or(0));
    let most = series.values().flatten().copied().max().unwrap_or(0).max(1) as f64;
    let span = (last - first).max(1) as f64;
    let x = |bin: i64| MARGIN + (bin - first) as f64 / span * (WIDTH - 2.0 * MARGIN);
    let y = |count: u64| HEIGHT - MARGIN - count as f64 / most * (HEIGHT - 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    for (column, (name, colour)) in SERIES.iter().enumerate() {
        let points: Vec<String> = (first..=last)
            .map(|bin| {
                let count = series.get(&bin).and_then(|counts| counts.get(column)).copied().unwrap_or(0);
                format!("{:.1},{:.1}", x(bin), y(count))
            })
            .collect();
        let _ = writeln!(svg, "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>", points.join(" "));
        let left = MARGIN + column as f64 * 220.0;
        let _ = writeln!(svg, "<text x=\"{left}\" y=\"24\" fill=\"{colour}\">{name}</text>");
    }
    let time = |bin: i64| Timestamp::from_seconds(bin * 300).to_string();
    let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{}\">{}</text>", HEIGHT - 16.0, time(first));
    let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", WIDTH - MARGIN, HEIGHT - 16.0, time(last));
    let _ = writeln!(svg, "<text x=\"8\" y=\"{MARGIN}\">{most}</text>\n</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_a_line_for_each_series_and_is_whole_without_any_attempt() {
        let series = BTreeMap::from([(6_000_000, [10, 2, 3]), (6_000_004, [20, 0, 20])]);
        let picture = svg(&series);
        assert_eq!(picture.matches("<polyline").count(), 3);
        assert!(picture.contains("912.0,48.0") && picture.ends_with("</svg>\n"), "{picture}");
        assert!(svg(&BTreeMap::new()).contains("</svg>"));
    }
}
