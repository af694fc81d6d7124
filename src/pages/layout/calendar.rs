//! Dates and times in the user's time zone, or in UTC with "UTC" shown if the time zone is not
//! known. With JavaScript, the browser replaces them with its own formats.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::http::Language;
use crate::kernel::Timestamp;

/// The language and time zone of a user.
#[derive(Clone)]
pub(in crate::pages) struct Calendar {
    pub t: Language,
    zone: TimeZone,
}

/// A formatted timestamp.
pub(in crate::pages) struct Moment {
    /// RFC 3339 in UTC, for the `datetime` attribute.
    pub iso: String,
    /// The day in words and the time.
    pub full: String,
    /// The time of day.
    pub clock: String,
}

impl Calendar {
    pub fn new(t: Language, zone: TimeZone) -> Self {
        Self { t, zone }
    }

    /// For HTML that is shared by users in different time zones.
    pub fn utc(t: Language) -> Self {
        Self::new(t, TimeZone::UTC)
    }

    pub fn day(&self, at: Timestamp) -> Date {
        at.in_zone(&self.zone).date()
    }

    /// A day in words: "Friday 20 November 2026".
    pub fn label(&self, day: Date) -> String {
        let pick = |list: &str, index: i8| {
            let words = self.t.text(list);
            let index = usize::try_from(index).unwrap_or_default();
            words.split(' ').nth(index).unwrap_or_default()
        };
        let weekday = pick("weekdays", day.weekday().to_monday_zero_offset());
        let month = pick("months", day.month() - 1);
        self.t.date(weekday, day.day(), month, day.year())
    }

    pub fn moment(&self, at: Timestamp) -> Moment {
        let clock = self.clock(at);
        let full = format!("{}, {clock}", self.label(self.day(at)));
        Moment { iso: at.rfc3339(), full, clock }
    }

    /// The time of day.
    pub fn clock(&self, at: Timestamp) -> String {
        let time = at.in_zone(&self.zone);
        format!("{:02}:{:02}{}", time.hour(), time.minute(), self.suffix())
    }

    /// A numeric date and time with minutes.
    pub fn figures(&self, at: Timestamp) -> String {
        format!("{}{}", at.in_zone(&self.zone).strftime("%Y-%m-%d %H:%M"), self.suffix())
    }

    /// Users who have not chosen a time zone must see that times are in UTC.
    fn suffix(&self) -> &'static str {
        if self.zone == TimeZone::UTC { " UTC" } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_use_the_time_zone() {
        // 2026-07-01T06:30:00Z
        let summer = Timestamp(1_782_887_400_000);
        let half_a_year = 184 * 86_400_000;
        let winter = Timestamp(summer.0 + half_a_year);
        for (zone, at, expected) in [
            ("UTC", summer, "2026-07-01 06:30 UTC"),
            ("America/Los_Angeles", summer, "2026-06-30 23:30"),
            ("America/Los_Angeles", winter, "2026-12-31 22:30"),
            ("Europe/Madrid", summer, "2026-07-01 08:30"),
            ("Europe/Madrid", winter, "2027-01-01 07:30"),
            ("Pacific/Kiritimati", summer, "2026-07-01 20:30"),
        ] {
            let calendar = Calendar::new(Language::ALL[0], TimeZone::get(zone).expect("a zone"));
            assert_eq!(calendar.figures(at), expected, "{zone}");
            let (day, clock) = expected.split_once(' ').expect("both");
            assert_eq!(calendar.day(at).to_string(), day, "{zone}");
            assert_eq!(calendar.moment(at).clock, clock, "{zone}");
        }
    }
}
