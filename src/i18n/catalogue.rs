//! The texts of `locales/{en,es}/*.ftl` (Project Fluent), embedded in the executable. Texts without
//! variables are formatted once, when a language is first used, because a page uses about a hundred
//! of them.

use std::collections::HashMap;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use fluent_syntax::ast::Entry;
use unic_langid::LanguageIdentifier;

#[derive(rust_embed::RustEmbed)]
#[folder = "locales"]
struct Files;

/// The texts of one language.
pub(super) struct Catalogue {
    plain: HashMap<String, String>,
    bundle: FluentBundle<FluentResource>,
}

impl Catalogue {
    /// Parses the files of a language. Entries with errors are left out.
    pub fn read(language: LanguageIdentifier) -> Self {
        let folder = format!("{language}/");
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // Isolation marks are not needed: pages wrap names in <bdi>, and in titles the marks would
        // show.
        bundle.set_use_isolating(false);
        let mut keys = Vec::new();
        for file in Files::iter().filter(|name| name.starts_with(&folder)) {
            let text = Files::get(&file).map(|file| file.data.into_owned()).unwrap_or_default();
            let text = String::from_utf8(text).unwrap_or_default();
            let texts = FluentResource::try_new(text).unwrap_or_else(|(texts, _)| texts);
            keys.extend(texts.entries().filter_map(|entry| match entry {
                Entry::Message(message) => Some(message.id.name.to_owned()),
                _ => None,
            }));
            bundle.add_resource_overriding(texts);
        }
        let mut catalogue = Self { plain: HashMap::new(), bundle };
        let plain = |key: String| {
            let text = catalogue.format(&key, None)?;
            Some((key, text))
        };
        catalogue.plain = keys.into_iter().filter_map(plain).collect();
        catalogue
    }

    /// A text without variables.
    pub fn plain(&self, key: &str) -> Option<&str> {
        self.plain.get(key).map(String::as_str)
    }

    /// A text with its variables; `None` if one is missing.
    pub fn format(&self, key: &str, variables: Option<&FluentArgs<'_>>) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, variables, &mut errors).into_owned();
        errors.is_empty().then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use unic_langid::langid;

    use super::*;

    #[test]
    fn texts_without_variables_are_preformatted() {
        let english = Catalogue::read(langid!("en"));
        assert_eq!(english.plain("send"), Some("Send"));
        assert_eq!(english.plain("typing-one"), Some("{names} is typing…"));
        assert_eq!(english.plain("about-room"), None, "this one names a room");
        assert_eq!(english.plain("no-such-text"), None);
    }

    #[test]
    fn variables_are_filled_in() {
        let spanish = Catalogue::read(langid!("es"));
        let about =
            |name| spanish.format("about-room", Some(&FluentArgs::from_iter([("name", name)])));
        assert_eq!(about("<lobby>").as_deref(), Some("Sobre <lobby>"));
        assert_eq!(spanish.format("about-room", None), None);
    }
}
