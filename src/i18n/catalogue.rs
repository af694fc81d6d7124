//! The texts of `locales/{en,es}/*.ftl` (Project Fluent), which are part of the executable. What has no
//! variables is resolved once, when a language is first spoken: a page says a hundred of them.

use std::collections::HashMap;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use fluent_syntax::ast::Entry;
use unic_langid::LanguageIdentifier;

#[derive(rust_embed::RustEmbed)]
#[folder = "locales"]
struct Files;

/// What is said in one language.
pub(super) struct Catalogue {
    plain: HashMap<String, String>,
    bundle: FluentBundle<FluentResource>,
}

impl Catalogue {
    /// Reads the files of a language. What is wrong in one of them is left out.
    pub fn read(language: LanguageIdentifier) -> Self {
        let folder = format!("{language}/");
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // People's names stand in <bdi> on pages; marks would only turn up in titles.
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

    /// A text with the variables that it needs; nothing where one is missing.
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
    fn what_has_no_variables_is_there_as_it_is() {
        let english = Catalogue::read(langid!("en"));
        assert_eq!(english.plain("send"), Some("Send"));
        assert_eq!(english.plain("typing-one"), Some("{names} is typing…"));
        assert_eq!(english.plain("about-room"), None, "this one names a room");
        assert_eq!(english.plain("no-such-text"), None);
    }

    #[test]
    fn what_has_variables_is_filled_with_them() {
        let spanish = Catalogue::read(langid!("es"));
        let about =
            |name| spanish.format("about-room", Some(&FluentArgs::from_iter([("name", name)])));
        assert_eq!(about("<lobby>").as_deref(), Some("Sobre <lobby>"));
        assert_eq!(spanish.format("about-room", None), None);
    }
}
