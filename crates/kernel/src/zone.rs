//! Time zones, for what a day is to the people of a shop.

use std::{fmt, str::FromStr};

use jiff::{ToSpan, civil::Date};

use crate::Timestamp;

/// A time zone by its IANA name, as `Europe/Berlin`. The rules are built in, so that every machine
/// knows the same ones and none has to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZone(jiff::tz::TimeZone);

/// A day of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// As `2026-11-21`.
    pub date: String,
    /// Its first moment.
    pub starts: Timestamp,
}

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(jiff::tz::TimeZone::UTC);

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The `count` days up to the one that `now` is in, the oldest first. Days follow one another
    /// without gaps: each ends where the next one starts, though not all are 24 hours long.
    pub fn days_until(&self, now: Timestamp, count: u32) -> Vec<Day> {
        let today = self.0.to_datetime(now.jiff()).date();
        let back = (0..i64::from(count)).rev();
        back.filter_map(|days| self.day(today.checked_sub(days.days()).ok()?))
            .collect()
    }

    /// `time` as the clocks of this zone show it, to the minute: `2026-11-21T14:05`.
    pub fn clock(&self, time: Timestamp) -> String {
        let shown = self.0.to_datetime(time.jiff());
        shown.strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// The moment that `2026-11-21T14:05`, or the beginning of `2026-11-21`, is here; none if that
    /// is no time. Of a time that the clocks show twice it is the first.
    pub fn moment(&self, clock: &str) -> Option<Timestamp> {
        let civil: jiff::civil::DateTime = clock.parse().ok()?;
        let zoned = civil.to_zoned(self.0.clone()).ok()?;
        Some(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
    }

    fn day(&self, date: Date) -> Option<Day> {
        // Where midnight is skipped, the day starts right after.
        let start = date.to_zoned(self.0.clone()).ok()?;
        Some(Day {
            date: date.to_string(),
            starts: Timestamp::from_micros(start.timestamp().as_microsecond()),
        })
    }
}

impl FromStr for TimeZone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        jiff::tz::TimeZone::get(text)
            .map(Self)
            .map_err(|_| format!("`{text}` is no time zone of IANA's, as Europe/Berlin"))
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(zone: &str, now: &str, count: u32) -> Vec<(String, String)> {
        let zone: TimeZone = zone.parse().unwrap();
        let days = zone.days_until(now.parse().unwrap(), count);
        let text = |day: Day| (day.date, day.starts.to_string());
        days.into_iter().map(text).collect()
    }

    fn day(date: &str, starts: &str) -> (String, String) {
        (date.to_owned(), starts.to_owned())
    }

    #[test]
    fn a_day_is_the_zone_s() {
        assert_eq!(
            starts("UTC", "2026-11-21T23:30:00Z", 2),
            [
                day("2026-11-20", "2026-11-20T00:00:00Z"),
                day("2026-11-21", "2026-11-21T00:00:00Z")
            ]
        );
        assert_eq!(
            starts("Europe/Berlin", "2026-11-21T23:30:00Z", 1),
            [day("2026-11-22", "2026-11-21T23:00:00Z")]
        );
        // The clocks go back on 25 October: that day is 25 hours long.
        assert_eq!(
            starts("Europe/Berlin", "2026-10-26T12:00:00Z", 2),
            [
                day("2026-10-25", "2026-10-24T22:00:00Z"),
                day("2026-10-26", "2026-10-25T23:00:00Z")
            ]
        );
        // In Chile they go forward at midnight: the day starts at one.
        assert_eq!(
            starts("America/Santiago", "2026-09-06T12:00:00Z", 1),
            [day("2026-09-06", "2026-09-06T04:00:00Z")]
        );
    }

    #[test]
    fn names_are_iana_s() {
        assert_eq!(
            "Asia/Kathmandu".parse::<TimeZone>().unwrap().name(),
            "Asia/Kathmandu"
        );
        assert_eq!(TimeZone::UTC.name(), "UTC");
        assert!("Berlin".parse::<TimeZone>().is_err());
        assert!("".parse::<TimeZone>().is_err());
    }

    #[test]
    fn a_clock_shows_what_it_is_set_to() {
        let berlin: TimeZone = "Europe/Berlin".parse().unwrap();
        let summer: Timestamp = "2026-07-01T22:30:59Z".parse().unwrap();
        assert_eq!(berlin.clock(summer), "2026-07-02T00:30");
        let moment = |clock| berlin.moment(clock).map(Timestamp::to_rfc3339);
        assert_eq!(moment("2026-07-02T00:30").unwrap(), "2026-07-01T22:30:00Z");
        assert_eq!(moment("2026-01-15").unwrap(), "2026-01-14T23:00:00Z");
        assert_eq!(moment("tomorrow"), None);
        assert_eq!(moment("2026-02-30"), None);
    }
}
