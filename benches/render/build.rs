//! Writes a few codes of emoji, in place of those that the build of Patio makes from CLDR.

fn main() {
    let folder = std::env::var("OUT_DIR").expect("cargo sets it");
    let codes = r#"&[("+1", "\u{1f44d}"), ("tada", "\u{1f389}")]"#;
    let file = std::path::Path::new(&folder).join("shortcodes.rs");
    std::fs::write(file, codes).expect("written");
}
