//! Describes a `User-Agent` header in words that users know: "Firefox on Linux".
//!
//! All browsers also claim to be others, so the lists are ordered and the first match counts: a
//! browser comes before the ones it imitates.

use crate::http::Language;

const BROWSERS: [(&str, &str); 11] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
    ("X11", "Unix"),
];

/// The name of a browser and its operating system, as far as its `User-Agent` shows them. An
/// unknown program is called by its own name.
pub(in crate::pages) fn name(agent: &str, t: Language) -> String {
    let known = |words: &[(&str, &'static str)]| {
        words.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| *name)
    };
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => {
            t.fill("browser-on", [("browser", browser), ("system", system)])
        }
        (Some(browser), None) => browser.to_owned(),
        (None, _) => agent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_systems_are_recognized() {
        const APPLE: &str = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
        const GOOGLE: &str = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0";
        for (agent, called) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
                "Firefox on Linux",
            ),
            (
                &format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {GOOGLE} Safari/537.36"),
                "Chrome on Windows",
            ),
            (
                &format!("Mozilla/5.0 (Windows NT 10.0) {GOOGLE} Safari/537.36 Edg/141.0.0.0"),
                "Edge on Windows",
            ),
            (
                &format!("Mozilla/5.0 (Linux; Android 10; K) {GOOGLE} Mobile Safari/537.36"),
                "Chrome on Android",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/26.0 Safari/605.1.15"
                ),
                "Safari on macOS",
            ),
            (
                &format!(
                    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {APPLE} CriOS/141.0 Mobile/15E148 Safari/604.1"
                ),
                "Chrome on iPhone",
            ),
            ("Firefox/1", "Firefox"),
            ("curl/8.16.0", "curl/8.16.0"),
            ("", ""),
        ] {
            assert_eq!(name(agent, Language::English), called, "{agent}");
        }
    }

    #[test]
    fn the_description_is_translated() {
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
        assert_eq!(name(agent, Language::Spanish), "Firefox en Linux");
    }
}
