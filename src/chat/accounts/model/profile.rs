//! What users say about themselves: a text and a status.

use crate::kernel::Emoji;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::kernel::{FieldError, Timestamp};
use crate::limits;
use crate::text::names::{one_line, visible_line};

/// What a user says about themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Empty if they say nothing.
    pub about: About,
    /// May be over: [`Profile::status`] knows.
    pub(in crate::chat) status: Option<Status>,
}

impl Profile {
    /// The status at this time: nothing happens in the database when a status ends.
    pub fn status(&self, now: Timestamp) -> Option<&Status> {
        self.status.as_ref().filter(|status| status.holds(now))
    }
}

/// A change of a profile; `None` keeps the current value.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    pub about: Option<About>,
    /// `Some(None)` ends the status.
    pub status: Option<Option<Status>>,
}

/// What a user writes about themselves: at most 500 characters, may be empty and have several lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About(String);

impl About {
    /// # Errors
    /// If it is too long, or has control or direction characters.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let error = FieldError::new("about", "about-shape");
        // Longer than any text of this length with line endings of two characters.
        if text.len() > limits::profile::ABOUT * 8 {
            return Err(error);
        }
        let lines: Option<Vec<String>> =
            text.trim().lines().map(|line| one_line(&line.replace('\t', " "))).collect();
        let about = lines.ok_or(error)?.join("\n");
        let fits = about.chars().count() <= limits::profile::ABOUT;
        fits.then_some(Self(about)).ok_or(error)
    }

    /// A stored text.
    pub(in crate::chat) fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a user does now, until a time or until they change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub emoji: Emoji,
    pub text: StatusText,
    /// `None`: until it is changed.
    pub until: Option<Timestamp>,
}

impl Status {
    /// The status in four columns; `None` if there is none, or a later version stored an emoji that
    /// this version does not know.
    pub(in crate::chat) fn stored(
        emoji: Option<&str>,
        text: String,
        until: Option<Timestamp>,
    ) -> Option<Self> {
        let emoji = Emoji::parse(emoji?).ok()?;
        Some(Self { emoji, text: StatusText(text), until })
    }

    /// Whether it is not over at this time.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    /// # Errors
    /// If the emoji is not exactly one, the text is too long, or the end has passed.
    pub fn parse(
        emoji: &str,
        text: &str,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, FieldError> {
        let emoji = Emoji::parse(emoji).map_err(|_| FieldError::new("status", "emoji-one"))?;
        if until.is_some_and(|until| until <= now) {
            return Err(FieldError::new("status", "status-over"));
        }
        Ok(Self { emoji, text: StatusText::parse(text)?, until })
    }
}

/// The text of a status: at most 80 characters on one line, may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusText(String);

impl StatusText {
    /// # Errors
    /// If it is too long, or has more than one line.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        visible_line(text)
            .filter(|line| line.chars().count() <= limits::profile::STATUS)
            .map(Self)
            .ok_or(FieldError::new("status", "status-shape"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The end of a status, as a user chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusEnd {
    /// When the user changes it.
    Never,
    HalfAnHour,
    Hour,
    FourHours,
    /// At the end of the day.
    Today,
    /// At the end of Sunday.
    Week,
}

impl StatusEnd {
    pub const ALL: [Self; 6] =
        [Self::Never, Self::HalfAnHour, Self::Hour, Self::FourHours, Self::Today, Self::Week];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::HalfAnHour => "half-an-hour",
            Self::Hour => "hour",
            Self::FourHours => "four-hours",
            Self::Today => "today",
            Self::Week => "week",
        }
    }

    /// # Errors
    /// If there is no such choice.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let end = Self::ALL.into_iter().find(|end| end.as_str() == text);
        end.ok_or(FieldError::new("status", "status-end-unknown"))
    }

    /// The end of a status that begins now, for a user in this time zone.
    pub fn after(self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let minutes = |minutes| Some(now.plus(Duration::from_mins(minutes)));
        match self {
            Self::Never => None,
            Self::HalfAnHour => minutes(30),
            Self::Hour => minutes(60),
            Self::FourHours => minutes(240),
            Self::Today => end_of_day(now, zone, 0),
            Self::Week => {
                let day = now.in_zone(zone).date().weekday().to_monday_zero_offset();
                end_of_day(now, zone, i64::from(6 - day))
            }
        }
    }
}

/// The end of the day after this many days.
fn end_of_day(now: Timestamp, zone: &TimeZone, days: i64) -> Option<Timestamp> {
    let day = now.in_zone(zone).date().checked_add(jiff::Span::new().days(days + 1)).ok()?;
    let midnight = day.to_zoned(zone.clone()).ok()?;
    Some(Timestamp(midnight.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_about_text_has_lines_and_at_most_500_characters() {
        let about = |text: &str| About::parse(text).map(|about| about.0);
        assert_eq!(about("  Huerta\r\n  y pan \n").as_deref(), Ok("Huerta\ny pan"));
        assert_eq!(about("").as_deref(), Ok(""));
        assert_eq!(about(&"ñ".repeat(500)).map(|text| text.chars().count()), Ok(500));
        for bad in ["ñ".repeat(501), "a\u{202e}b".to_owned(), "a\0b".to_owned(), "\n".repeat(9_999)]
        {
            assert!(about(&format!("a{bad}b")).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_status_has_one_emoji_a_short_line_and_an_end_in_the_future() {
        let now = Timestamp(1_000);
        let status = |emoji: &str, text: &str, until: Option<i64>| {
            Status::parse(emoji, text, until.map(Timestamp), now).is_ok()
        };
        assert!(status("🌙", "", None));
        assert!(status("🚆", &"ñ".repeat(80), Some(1_001)));
        for (emoji, text, until) in [
            ("", "x", None),
            ("🌙🌙", "x", None),
            (":moon:", "x", None),
            ("🌙", "a\nb", None),
            ("🌙", "a\u{202e}b", None),
            ("🌙", "x", Some(1_000)),
        ] {
            assert!(!status(emoji, text, until), "{emoji} {text:?} {until:?}");
        }
        assert!(!status("🌙", &"ñ".repeat(81), None));
    }

    #[test]
    fn a_status_is_over_at_its_end() {
        let until = |until| {
            let status = Status::stored(Some("🌙"), String::new(), until);
            Profile { status, about: About::default() }
        };
        let now = Timestamp(1_000);
        assert!(until(None).status(now).is_some());
        assert!(until(Some(Timestamp(1_001))).status(now).is_some());
        assert!(until(Some(Timestamp(1_000))).status(now).is_none());
        assert!(Profile::default().status(now).is_none());
    }

    #[test]
    fn a_status_ends_in_the_time_zone_of_its_user() {
        // Friday, 2026-11-20T22:30:00Z
        let now = Timestamp(1_795_213_800_000);
        for (end, zone, expected) in [
            (StatusEnd::Hour, "Europe/Madrid", "2026-11-20T23:30:00.000Z"),
            (StatusEnd::HalfAnHour, "Europe/Madrid", "2026-11-20T23:00:00.000Z"),
            (StatusEnd::FourHours, "UTC", "2026-11-21T02:30:00.000Z"),
            (StatusEnd::Today, "Europe/Madrid", "2026-11-20T23:00:00.000Z"),
            (StatusEnd::Today, "Asia/Tokyo", "2026-11-21T15:00:00.000Z"),
            (StatusEnd::Week, "Europe/Madrid", "2026-11-22T23:00:00.000Z"),
            (StatusEnd::Week, "Asia/Tokyo", "2026-11-22T15:00:00.000Z"),
        ] {
            let zone = TimeZone::get(zone).expect("a zone");
            let found = end.after(now, &zone).expect("an end");
            assert_eq!(found.rfc3339(), expected, "{end:?}");
            assert_eq!(StatusEnd::parse(end.as_str()), Ok(end));
        }
        assert_eq!(StatusEnd::Never.after(now, &TimeZone::UTC), None);
        assert!(StatusEnd::parse("later").is_err());
    }
}
