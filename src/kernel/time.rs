//! Timestamps and the clock. The clock is passed in, so that tests control it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

/// A point in time: milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Timestamp(pub i64);

/// Parses RFC 3339. Fractions of a millisecond are truncated.
impl TryFrom<String> for Timestamp {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let time = text.parse::<jiff::Timestamp>().map_err(|_| "must be a time in RFC 3339")?;
        Ok(Self(time.as_millisecond()))
    }
}

/// As [`Timestamp::rfc3339`].
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.instant()))
    }
}

impl Timestamp {
    /// Formats as RFC 3339 in UTC, with milliseconds: `2026-11-21T09:05:00.120Z`.
    pub fn rfc3339(self) -> String {
        format!("{:.3}", self.instant())
    }

    /// Returns the civil date and time in UTC.
    pub fn utc(self) -> jiff::civil::DateTime {
        jiff::tz::Offset::UTC.to_datetime(self.instant())
    }

    /// Returns the civil date and time in a time zone.
    pub fn in_zone(self, zone: &jiff::tz::TimeZone) -> jiff::civil::DateTime {
        zone.to_datetime(self.instant())
    }

    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(millis(time)))
    }

    #[must_use]
    pub fn minus(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(millis(time)))
    }

    /// Returns the time until `later`; zero if that has passed.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    fn instant(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The source of the current time.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// By how many milliseconds the system's clock is corrected.
    correction: Option<Arc<AtomicI64>>,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the system clock")]
    pub fn system() -> Self {
        let now = || Timestamp(jiff::Timestamp::now().as_millisecond());
        Self { now: Arc::new(now), correction: Some(Arc::default()) }
    }

    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now), correction: None }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp((self.now)().0.saturating_add(self.correction()))
    }

    /// By how many milliseconds the system's clock is corrected.
    pub fn correction(&self) -> i64 {
        self.correction.as_ref().map_or(0, |it| it.load(Ordering::Relaxed))
    }

    /// Corrects the system's clock, for all clones, by a difference to what it says. A clock that is passed in stays
    /// as it is.
    pub fn correct(&self, millis: i64) {
        if let Some(correction) = &self.correction {
            correction.fetch_add(millis, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_formatted_as_rfc_3339_with_milliseconds() {
        assert_eq!(Timestamp(1_763_715_900_120).rfc3339(), "2025-11-21T09:05:00.120Z");
        assert_eq!(Timestamp(0).rfc3339(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn only_the_clock_of_the_system_is_corrected() {
        let (system, passed_in) = (Clock::system(), Clock::from_fn(|| Timestamp(7)));
        let before = system.now();
        system.clone().correct(-3_600_000);
        passed_in.correct(-3_600_000);
        assert_eq!((system.correction(), passed_in.correction()), (-3_600_000, 0));
        let behind = system.now().until(before);
        assert!(
            behind > Duration::from_mins(59) && behind <= Duration::from_hours(1),
            "{behind:?}"
        );
        assert_eq!(passed_in.now(), Timestamp(7));
    }

    #[test]
    fn only_rfc_3339_is_parsed() {
        let parse = |text: &str| Timestamp::try_from(text.to_owned()).ok();
        for text in ["2025-11-21T09:05:00.120Z", "2025-11-21T10:05:00.1209+01:00"] {
            assert_eq!(parse(text), Some(Timestamp(1_763_715_900_120)), "{text}");
        }
        for text in ["", "yesterday", "2025-11-21", "1763715900120"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
