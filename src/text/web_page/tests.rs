//! Pages as they are written, and pages that mean harm.

use std::fs;
use std::path::Path;

use super::*;

fn page(html: &str) -> WebPage {
    read(html.as_bytes(), "text/html; charset=utf-8").expect("a known charset")
}

#[test]
fn a_page_says_what_it_is() {
    let found = page(
        "<!doctype html><html><head><!-- <meta property='og:title' content='comment'> -->
         <script>'<meta property=\"og:title\" content=\"script\">'</script>
         <style><meta property=og:title content=style></style>
         <noscript><meta property=og:title content=noscript></noscript>
         <svg><title>picture</title><svg></svg><title>still</title></svg>
         <template><meta property=og:title content=template></template>
         <title> Hola &amp; adiós </title><title>second</title>
         <meta content='Título &quot;x&quot;' property='og:title'/><META NAME=description CONTENT=plain>
         <meta property=og:title content=later><meta property=OG:SITE_NAME content=Semillas>
         <meta name='twitter:image' content='/small.png'><meta property='og:image' content='a b.png?x=1&amp;y=2'>
         </head><body><meta property='og:description' content='body'>",
    );
    let expected = WebPage {
        title: "Título \"x\"".to_owned(),
        text: "plain".to_owned(),
        site: "Semillas".to_owned(),
        image: "a b.png?x=1&y=2".to_owned(),
    };
    assert_eq!(found, expected);
    assert_eq!(page("<title> Hola &amp; adiós </title>").title, "Hola & adiós");
    assert_eq!(page("<meta name=twitter:title content=one><title>two").title, "one");
    assert_eq!(page("<title>cut off").title, "cut off");
    assert_eq!(page("<meta property=og:title content=' '><title>two</title>").title, "two");
    assert_eq!(page("<p>nothing"), WebPage::default());
    // Entities are read once.
    assert_eq!(page("<title>&amp;lt;b&amp;gt;</title>").title, "&lt;b&gt;");
}

#[test]
fn texts_are_plain_and_short() {
    let title = |text: &str| page(&format!("<title>{text}</title>")).title;
    assert_eq!(title("a\n\t b\u{0}\u{7}c\u{85}d"), "a b\u{fffd} c d");
    assert_eq!(title("\u{202e}evil\u{202c} \u{2066}x\u{2069}\u{200f}y\u{feff}"), "evil xy");
    assert_eq!(title(&"a".repeat(limits::TITLE)), "a".repeat(limits::TITLE));
    let long = title(&"á".repeat(limits::TITLE + 1));
    assert_eq!((long.chars().count(), long.chars().last()), (limits::TITLE, Some('…')));
    assert_eq!(title("a\u{fffd}\u{fffd}\u{fffd}"), "a\u{fffd}\u{fffd}\u{fffd}");
    assert_eq!(title("a\u{fffd}\u{fffd}\u{fffd}\u{fffd}"), "");
    let text = page(&format!("<meta name=description content='{}'>", "b ".repeat(400))).text;
    assert_eq!(text.chars().count(), limits::TEXT);
}

#[test]
fn a_charset_is_found_where_browsers_find_it() {
    let spain = b"<title>Espa\xf1a \x80</title>";
    let title = |bytes: &[u8], content_type: &str| read(bytes, content_type).map(|page| page.title);
    let utf8 = "<title>España €</title>".as_bytes();
    let right = Some("España €".to_owned());
    assert_eq!(title(spain, "text/html; charset=iso-8859-1"), right);
    assert_eq!(title(spain, "text/html; Charset=\"Windows-1252\""), right);
    assert_eq!(title(&[b"<meta charset=latin1>", &spain[..]].concat(), "text/html"), right);
    let equivalent = b"<META http-equiv=Content-Type content='text/html; charset=ISO-8859-1'>";
    assert_eq!(title(&[equivalent, &spain[..]].concat(), "text/html"), right);
    assert_eq!(title(spain, "text/html"), right, "a guess");
    assert_eq!(title(utf8, "text/html"), right, "a guess");
    assert_eq!(title(utf8, "text/html; charset=utf-8"), right);
    // A byte order mark is stronger than the header, the header than the page.
    assert_eq!(title(&[b"\xef\xbb\xbf", utf8].concat(), "text/html; charset=latin1"), right);
    assert_eq!(
        title(&[b"<meta charset=koi8-r>", utf8].concat(), "text/html; charset=utf-8"),
        right
    );
    for other in ["shift_jis", "koi8-r", "utf-16", "gbk"] {
        assert_eq!(title(utf8, &format!("text/html; charset={other}")), None, "{other}");
    }
    assert_eq!(title(b"\xff\xfe<\0t\0", "text/html"), None);
    // Behind the first 1,024 bytes nothing counts.
    let late = [&b" ".repeat(1_024)[..], b"<meta charset=koi8-r>", utf8].concat();
    assert_eq!(title(&late, "text/html"), right);
}

#[test]
fn the_end_of_the_head_is_found_across_pieces() {
    let html = b"<html><head><title>x</title></HEAD><body>";
    let end = html.len() - b"<body>".len() - 1;
    for piece in 1..html.len() {
        let mut read = 0;
        while !has_whole_head(&html[..(read + piece).min(html.len())], read) {
            read += piece;
            assert!(read < html.len(), "pieces of {piece}");
        }
        assert!(read + piece >= end, "pieces of {piece}");
    }
    assert!(!has_whole_head(b"<html><head><title>", 0));
}

/// Each took long or much in one reader or another.
#[test]
fn hostile_pages_are_read_to_an_end() {
    let attributes: Vec<String> = (0..50_000).map(|n| format!(" a{n}=b")).collect();
    let attributes = attributes.concat();
    for hostile in [
        "<".repeat(500_000),
        "<div>".repeat(100_000),
        "<!--".repeat(100_000),
        format!("<meta content=\"{}", "x".repeat(500_000)),
        "<script></script>".repeat(30_000),
        "<title>".repeat(70_000),
        "<svg>".repeat(100_000),
        "<meta property=og:title content=x>".repeat(15_000),
        format!("<meta{attributes}>"),
        "&amp".repeat(100_000),
    ] {
        let found = page(&hostile);
        assert!(found.title.chars().count() <= limits::TITLE && found.text.is_empty());
    }
}

#[test]
fn the_inputs_of_the_fuzzer_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/web_page");
    let mut read_files = 0;
    for file in fs::read_dir(folder).expect("a corpus") {
        let bytes = fs::read(file.expect("a file").path()).expect("bytes");
        drop(read(&bytes, "text/html"));
        read_files += 1;
    }
    assert!(read_files > 3);
}
