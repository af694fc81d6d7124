//! What was measured, each beside its bound, as a table.

use std::fmt::Write as _;
use std::time::Duration;

pub struct Figure {
    pub what: String,
    /// Milliseconds, or a count.
    pub bound: f64,
    pub measured: f64,
    pub unit: &'static str,
}

#[derive(Default)]
pub struct Report {
    rows: Vec<(String, Figure)>,
    notes: Vec<String>,
    pub broken: Vec<String>,
}

/// A busy machine is slow without being wrong.
const GENEROUS: f64 = 6.0;
const BUSY_MILLIS: f64 = 3000.0;

pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The value below which this share of all lies.
pub fn quantile(values: &[Duration], share: f64) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a short list"
    )]
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

impl Report {
    pub fn time(&mut self, experiment: &str, what: &str, bound: Duration, measured: Duration) {
        let (bound, measured) = (millis(bound), millis(measured));
        if measured > bound * GENEROUS + BUSY_MILLIS {
            self.broken
                .push(format!("{experiment}: {what}: {measured:.0} ms, far above {bound:.0} ms"));
        }
        let figure = Figure { what: what.to_owned(), bound, measured, unit: "ms" };
        self.rows.push((experiment.to_owned(), figure));
    }

    /// Something that must not be more often.
    pub fn count(&mut self, experiment: &str, what: &str, bound: usize, measured: usize) {
        if measured > bound {
            self.broken.push(format!("{experiment}: {what}: {measured}, not {bound}"));
        }
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let (bound, measured) = (bound as f64, measured as f64);
        let figure = Figure { what: what.to_owned(), bound, measured, unit: "" };
        self.rows.push((experiment.to_owned(), figure));
    }

    pub fn ratio(&mut self, experiment: &str, what: &str, bound: f64, measured: f64) {
        let figure = Figure { what: what.to_owned(), bound, measured, unit: "×" };
        self.rows.push((experiment.to_owned(), figure));
    }

    /// Something that is part of the result and has no bound.
    pub fn note(&mut self, experiment: &str, text: &str) {
        self.notes.push(format!("- {experiment}: {text}"));
    }

    pub fn table(&self) -> String {
        let mut text =
            "| experiment | figure | bound | measured | |\n| --- | --- | --- | --- | --- |\n"
                .to_owned();
        for (experiment, Figure { what, bound, measured, unit }) in &self.rows {
            let kept = if measured <= bound { "" } else { "**missed**" };
            let number = |value: f64| match *unit {
                "ms" if value < 10.0 => format!("{value:.1} ms"),
                "×" => format!("{value:.2} ×"),
                unit => format!("{value:.0} {unit}").trim_end().to_owned(),
            };
            let (bound, measured) = (number(*bound), number(*measured));
            writeln!(text, "| {experiment} | {what} | {bound} | {measured} | {kept} |")
                .expect("text");
        }
        text + "\n" + &self.notes.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_bounds_are_shown_and_only_wide_misses_fail() {
        let mut report = Report::default();
        report.time("C0", "kept", Duration::from_secs(1), Duration::from_millis(400));
        report.time("C0", "missed", Duration::from_secs(1), Duration::from_secs(2));
        assert_eq!(report.broken.len(), 0);
        report.time("C0", "far", Duration::from_secs(1), Duration::from_secs(20));
        report.count("C0", "lost", 0, 1);
        assert_eq!(report.broken.len(), 2, "{:?}", report.broken);
        assert_eq!(report.table().matches("**missed**").count(), 3);
    }

    #[test]
    fn quantiles_are_values_of_the_list() {
        let values: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(quantile(&values, 0.5), Duration::from_millis(51));
        assert_eq!(quantile(&values, 0.99), Duration::from_millis(100));
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }
}
