//! Time zones by their IANA names: what hour it is where somebody lives.

use std::fmt;

use jiff::tz::TimeZone;

use crate::timestamp::Timestamp;

/// A time zone. `Default` is UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }
}

impl Zone {
    /// The zone of an IANA name such as `Europe/Berlin`; `None` for any other text.
    pub fn parse(name: &str) -> Option<Self> {
        let zone = TimeZone::get(name).ok()?;
        Some(Self { name: zone.iana_name().unwrap_or(name).to_owned(), zone })
    }

    /// Its IANA name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Hour and minute there at `at`; `None` for a time that no calendar has.
    pub fn hour_and_minute(&self, at: Timestamp) -> Option<(u8, u8)> {
        let local = self.zone.to_datetime(jiff::Timestamp::from_millisecond(at.millis()).ok()?);
        Some((u8::try_from(local.hour()).ok()?, u8::try_from(local.minute()).ok()?))
    }

    /// The time there with its zone, such as `03:12 Europe/Berlin`: a time without its zone is no time.
    pub fn clock(&self, at: Timestamp) -> String {
        self.hour_and_minute(at).map_or_else(|| self.name.clone(), |(hour, minute)| format!("{hour:02}:{minute:02} {}", self.name))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_is_that_of_the_place_with_its_summer_time() {
        // 2026-01-31T12:00:00Z and 2026-07-31T12:00:00Z.
        let (winter, summer) = (Timestamp::from_seconds(1_769_860_800), Timestamp::from_seconds(1_785_499_200));
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        assert_eq!((berlin.hour_and_minute(winter), berlin.hour_and_minute(summer)), (Some((13, 0)), Some((14, 0))));
        assert_eq!(Zone::parse("Asia/Kathmandu").unwrap().clock(winter), "17:45 Asia/Kathmandu");
        assert_eq!(Zone::default().clock(winter), "12:00 UTC");
    }

    #[test]
    fn what_is_no_zone_is_none() {
        for name in ["", "Berlin", "Europe/Atlantis", "+02:00", "../../etc/passwd"] {
            assert_eq!(Zone::parse(name), None, "{name}");
        }
        assert_eq!(Zone::default().hour_and_minute(Timestamp::from_millis(i64::MAX)), None);
    }
}
