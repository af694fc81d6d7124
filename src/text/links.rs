//! Finds web and e-mail addresses in a text: with a scheme, with `www.`, as a bare domain, or as an
//! e-mail address.
//!
//! The URL parser of browsers (WHATWG URL) decides whether a candidate is an address. No part of a
//! text is scanned once per candidate it might belong to: an attacker can send texts that consist
//! of address beginnings only, and the cost would be quadratic.

use std::ops::Range;

use super::addresses::{UrlScanner, scheme_of, without_marks_behind};
use super::effort::looked_at;
use super::scripts::is_written_without_spaces;
use super::visible::is_mark;

/// An address: its byte range in the text and its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub at: Range<usize>,
    /// Begins with `http:`, `https:` or `mailto:`.
    pub href: String,
}

/// Top-level domains that make a bare domain an address. None of them is a file extension or a word
/// that often follows a full stop without a space.
const TOP_LEVEL: [&str; 50] = [
    "ai", "app", "ar", "au", "biz", "blog", "br", "ca", "ch", "chat", "cl", "club", "cn", "co",
    "com", "cz", "de", "dev", "dk", "edu", "es", "eu", "fi", "fr", "gov", "gr", "hu", "ie", "info",
    "int", "io", "jp", "kr", "mil", "mx", "net", "nl", "nz", "online", "org", "pe", "pt", "ru",
    "se", "site", "uk", "uy", "ve", "wiki", "xyz",
];

/// File extensions that are not top-level domains: `Node.js/Express` is not an address.
const FILES: [&str; 40] = [
    "bak", "bash", "cfg", "class", "conf", "cpp", "css", "csv", "doc", "docx", "exe", "gif", "go",
    "gz", "hpp", "htm", "html", "ini", "java", "jpeg", "jpg", "js", "json", "jsx", "kt", "lock",
    "log", "pdf", "php", "png", "rb", "sql", "svg", "tar", "toml", "tsx", "txt", "xml", "yaml",
    "yml",
];

/// The longest host name, with a port.
const LONGEST_HOST: usize = 253 + ":65535".len();
/// The longest local part of an e-mail address (RFC 5321, section 4.5.3.1.1).
const LONGEST_LOCAL: usize = 64;

/// All addresses in the text, in order, without overlaps.
pub fn links(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    let mut free = 0;
    let mut at = 0;
    // Before the sign, an address has no space. So of most words nothing else is examined.
    while let Some(sign) = next_sign(text, at) {
        let before_sign = text.as_bytes().get(at..sign).unwrap_or_default();
        let space = before_sign.iter().rposition(|byte| *byte == b' ');
        let begin = space.map_or(at, |space| at + space + 1);
        at = sign + 1;
        if let Some(link) = first_link(text, free, begin..at) {
            free = link.at.end;
            at = free;
            found.push(link);
        }
    }
    found
}

/// Where the next character is that every address has: the first dot in its domain, the colon behind its scheme,
/// or its `@`.
fn next_sign(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes().get(from..)?;
    let is_sign = |(at, byte): (usize, &u8)| {
        let next = || bytes.get(at + 1).copied().unwrap_or(b' ');
        match byte {
            b'@' => true,
            b'.' => next().is_ascii_alphanumeric() || !next().is_ascii(),
            b':' => next() == b'/',
            _ => false,
        }
    };
    let found = bytes.iter().enumerate().position(is_sign);
    looked_at(found.unwrap_or(bytes.len()));
    Some(from + found?)
}

/// The first address that begins in this part of the text, or has its `@` there. Nothing before `free` belongs to it.
fn first_link(text: &str, free: usize, part: Range<usize>) -> Option<Link> {
    let mut before = text.get(..part.start)?.chars().next_back();
    for (offset, c) in text.get(part.clone())?.char_indices() {
        looked_at(1);
        let link = link_at(text, (free, part.start + offset), c, before);
        if link.is_some() {
            return link;
        }
        before = Some(c);
    }
    None
}

/// The address that begins at `at`, or whose `@` is there. Nothing before `free` belongs to it.
fn link_at(text: &str, (free, at): (usize, usize), c: char, before: Option<char>) -> Option<Link> {
    if c == '@' {
        return email(text, free, at);
    }
    let rest = text.get(at..)?;
    if let Some(scheme) = scheme_of(rest) {
        if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
            return None;
        }
        let end = end_of_web(rest, scheme)?;
        let href = rest.get(..end)?.to_owned();
        return Some(Link { at: at..at + end, href });
    }
    let begins_word =
        c.is_alphanumeric() && before.is_none_or(|before| can_precede_domain(before, c));
    if begins_word { bare_domain(rest, at) } else { None }
}

/// Whether a bare domain can begin with `c` after this character: not inside a word, a path, an
/// identifier in code or another address.
fn can_precede_domain(before: char, c: char) -> bool {
    if before.is_alphanumeric() || is_mark(before) {
        return is_written_without_spaces(before) && c.is_ascii();
    }
    !"@/.-_:=\\#~%&$+".contains(before)
}

/// The end of an address with a scheme of this length. Only the host decides whether it is an
/// address, so for other texts no more is read than the host, which ends at the
/// next slash.
fn end_of_web(text: &str, scheme: usize) -> Option<usize> {
    let mut scanner = UrlScanner::behind(Some('/'));
    let mut end = scheme;
    let mut in_host = true;
    let mut host_started = false;
    for (offset, c) in text.get(scheme..)?.char_indices() {
        if in_host && host_started && "/\\#".contains(c) {
            if !is_web(text.get(..end)?) {
                return None;
            }
            in_host = false;
        }
        host_started |= !"/\\".contains(c);
        let after = scheme + offset + c.len_utf8();
        if !scanner.keeps(c, text.get(after..)?) {
            break;
        }
        end = after;
    }
    let end = without_marks_behind(text.get(..end)?, scheme);
    (!in_host || is_web(text.get(..end)?)).then_some(end)
}

/// The end of an address whose host and port have this length.
fn end_behind_host(text: &str, host: usize) -> Option<usize> {
    let mut scanner = UrlScanner::behind(text.get(..host)?.chars().next_back());
    let mut end = host;
    for (offset, c) in text.get(host..)?.char_indices() {
        let after = host + offset + c.len_utf8();
        if !scanner.keeps(c, text.get(after..)?) {
            break;
        }
        end = after;
    }
    Some(without_marks_behind(text.get(..end)?, host))
}

/// Whether a browser would open the address. Hosts longer than the limit (RFC 1035) are rejected
/// before they reach the parser: it compares their letters with each other, so its cost is not
/// linear.
fn is_web(address: &str) -> bool {
    looked_at(address.len());
    let after =
        address.split_once("//").map_or("", |(_, rest)| rest.trim_start_matches(['/', '\\']));
    let authority = after.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.chars().nth(LONGEST_HOST).is_some() {
        return false;
    }
    if authority == host && is_plain(host) && top_level(host).is_some() {
        return true;
    }
    url::Url::parse(address).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !host.is_empty())
    })
}

/// Whether every parser accepts this domain: it is ASCII, and no label is Punycode, which has two hyphens in a row.
fn is_plain(domain: &str) -> bool {
    let of_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    domain.bytes().all(of_host) && !domain.as_bytes().windows(2).any(|pair| pair == b"--")
}

/// An address without a scheme at the beginning of `rest`, which is at `at` in the text.
fn bare_domain(rest: &str, at: usize) -> Option<Link> {
    let host = host_at(rest);
    let top = top_level(host)?;
    let after = rest.get(host.len()..)?;
    let port = port_at(after);
    let after = after.get(port..)?;
    let has_path = after.starts_with('/') && !FILES.contains(&top.to_lowercase().as_str());
    let is_www = host.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."))
        && host.matches('.').count() > 1;
    let is_known = TOP_LEVEL.iter().any(|known| known.eq_ignore_ascii_case(top));
    if !(has_path || is_www || is_known) || !ends_domain(after) {
        return None;
    }
    let length = host.len() + port;
    let is_valid =
        port == 0 && is_plain(host) || is_web(&["https://", rest.get(..length)?].concat());
    if !is_valid {
        return None;
    }
    let end = match after.chars().next() {
        Some('/' | '?' | '#') => end_behind_host(rest, length)?,
        _ => length,
    };
    Some(Link { at: at..at + end, href: ["https://", rest.get(..end)?].concat() })
}

/// Whether a text begins with a domain name, like the part after the `@` of an e-mail address.
pub fn begins_with_domain(text: &str) -> bool {
    let host = host_at(text);
    top_level(host).is_some_and(str::is_ascii)
}

/// The longest prefix that can be a host name. A host that begins in ASCII stays in ASCII.
fn host_at(text: &str) -> &str {
    let ascii = text.starts_with(|c: char| c.is_ascii());
    let of_host = |c: char| {
        c == '.'
            || c == '-'
            || c.is_ascii_alphanumeric()
            || (!ascii && (c.is_alphanumeric() || is_mark(c)))
    };
    let end = text.find(|c| !of_host(c)).unwrap_or(text.len());
    looked_at(end + 1);
    text.get(..end).unwrap_or_default().trim_end_matches(['.', '-'])
}

/// The last label of a domain: it has at least two labels, the last one of letters only (RFC 1123, section 2.1).
fn top_level(host: &str) -> Option<&str> {
    let is_valid =
        |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    // Most words have no dot.
    let (labels, top) = host.rsplit_once('.')?;
    let letters = top.chars().all(|c| c.is_alphabetic() || is_mark(c)) || top.starts_with("xn--");
    let is_domain = host.len() <= 253
        && labels.split('.').all(is_valid)
        && is_valid(top)
        && letters
        && top.chars().nth(1).is_some();
    is_domain.then_some(top)
}

/// The length of a port such as `:8080` at the beginning.
fn port_at(text: &str) -> usize {
    let digits = text.strip_prefix(':').unwrap_or_default();
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    looked_at(length);
    if (1..=5).contains(&length) { 1 + length } else { 0 }
}

/// Whether a domain can end before this text: not in the middle of a word, an e-mail address or a
/// line of code (`window.app()`).
fn ends_domain(after: &str) -> bool {
    after.chars().next().is_none_or(|c| {
        let joined = c.is_alphanumeric() || is_mark(c);
        (!joined || is_written_without_spaces(c)) && !"@_-([{=".contains(c)
    })
}

fn email(text: &str, free: usize, at: usize) -> Option<Link> {
    let of_local = |c: char| c.is_alphanumeric() || is_mark(c) || "._+-'&=~$*!".contains(c);
    let before = text.get(free..at)?;
    let length: usize = before
        .chars()
        .rev()
        .take_while(|c| of_local(*c))
        .take(LONGEST_LOCAL + 1)
        .map(char::len_utf8)
        .sum();
    looked_at(length + 1);
    let typed = before.get(before.len() - length..)?;
    let local = typed.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
    let start = at - local.len();
    let domain = host_at(text.get(at + 1..)?);
    let end = at + 1 + domain.len();
    let after = text.get(end..)?;
    let is_valid = (1..=LONGEST_LOCAL).contains(&local.chars().count())
        && !local.ends_with('.')
        && !local.contains("..")
        && !text.get(..start)?.ends_with(['@', '/'])
        && top_level(domain).is_some()
        && after.chars().next().is_none_or(|c| !"@_".contains(c) && !c.is_ascii_alphanumeric());
    is_valid.then(|| Link {
        at: start..end,
        href: format!("mailto:{}", text.get(start..end).unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The addresses in a text, as they are typed.
    fn typed(text: &str) -> Vec<&str> {
        links(text).into_iter().map(|link| text.get(link.at).expect("in the text")).collect()
    }

    #[test]
    fn an_address_ends_before_the_marks_of_every_script() {
        for (text, expected) in [
            ("https://example.com/guide，详见", vec!["https://example.com/guide"]),
            ("https://github.com/x/y。", vec!["https://github.com/x/y"]),
            ("http://t.cn/a《书》http://t.cn/b", vec!["http://t.cn/a", "http://t.cn/b"]),
            ("（https://x.org/a）", vec!["https://x.org/a"]),
            ("「https://x.org/a」と", vec!["https://x.org/a"]),
            ("“https://x.org/a”", vec!["https://x.org/a"]),
            ("«https://x.org/a»", vec!["https://x.org/a"]),
            ("¿https://x.org/a?", vec!["https://x.org/a"]),
            ("https://x.org/a؟", vec!["https://x.org/a"]),
            ("https://x.org/a، ثم", vec!["https://x.org/a"]),
            ("https://x.org/a।", vec!["https://x.org/a"]),
            ("https://x.org/a։", vec!["https://x.org/a"]),
            ("https://x.org/a！！", vec!["https://x.org/a"]),
            ("https://x.org/a…", vec!["https://x.org/a"]),
            ("https://x.org/a — then", vec!["https://x.org/a"]),
            ("https://x.org/a、https://x.org/b", vec!["https://x.org/a", "https://x.org/b"]),
            ("https://x.org/a,https://x.org/b", vec!["https://x.org/a", "https://x.org/b"]),
            ("https://x.org/a;http://x.org/b", vec!["https://x.org/a", "http://x.org/b"]),
            ("https://x.org/a|https://x.org/b|", vec!["https://x.org/a", "https://x.org/b"]),
            ("见https://x.org/a吧", vec!["https://x.org/a吧"]),
            ("https://x.org/a\u{3000}b", vec!["https://x.org/a"]),
            ("https://x.org/a\u{202e}gpj.exe", vec!["https://x.org/a"]),
            ("https://x.org/\u{2066}a", vec!["https://x.org/"]),
            ("https://x.org\u{200f}/a", vec!["https://x.org"]),
            ("https://x.org/a\u{200b}b", vec!["https://x.org/a"]),
            ("(see https://x.org/a).", vec!["https://x.org/a"]),
            ("[x](https://x.org/a)", vec!["https://x.org/a"]),
            ("<https://x.org/a>", vec!["https://x.org/a"]),
            ("'https://x.org/a'", vec!["https://x.org/a"]),
        ] {
            assert_eq!(typed(text), expected, "{text}");
        }
    }

    #[test]
    fn an_address_ends_before_marks_in_every_compatibility_form() {
        for mark in [
            "｜", "＜", "＞", "❝", "❞", "❛", "～", "＂", "＇", "¿", "¡", "︐", "︑", "︓", "︔",
            "︙", "︱", "﹘", "⋯⋯", "⋮", "──", "━", "│", "\u{fff9}", "\u{fffb}", "\u{6dd}",
            "\u{600}", "\u{605}", "´", "｀", "〝", "﹁", "﹒", "﹖", "\u{2063}", "（", "｠", "⁇",
        ] {
            for after in ["b", "书", "", " b"] {
                let text = format!("https://x.org/a{mark}{after}");
                assert_eq!(typed(&text), ["https://x.org/a"], "{text}");
            }
        }
        // Characters that join words, and symbols, are part of the address.
        for mark in
            ["·", "・", "’", "–", "〜", "•", "－", "→", "é", "和", "❤", "\u{200d}", "²", "＋"]
        {
            let text = format!("https://x.org/a{mark}b");
            assert_eq!(typed(&text), [&text], "{text}");
        }
    }

    #[test]
    fn separators_between_addresses_belong_to_neither() {
        for mark in [
            "•",
            "·",
            "→",
            "／",
            "｜",
            "–",
            "👉",
            "👉🏽",
            "👉\u{fe0f}",
            "和",
            "と",
            "é",
            "❤\u{fe0f}",
            "、",
            "²",
            ",",
            ";",
            "|",
        ] {
            let text = format!("https://x.org/a{mark}http://x.org/b");
            assert_eq!(typed(&text), ["https://x.org/a", "http://x.org/b"], "{text}");
        }
        for one in ["https://x.org/ahttp://x.org/b", "https://x.org/a/http://x.org/b"] {
            assert_eq!(typed(one), [one]);
        }
    }

    #[test]
    fn characters_of_an_address_are_kept() {
        for address in [
            "https://en.wikipedia.org/wiki/Foo_(bar)",
            "https://en.wikipedia.org/wiki/Foo_(bar_(baz))",
            "https://ja.wikipedia.org/wiki/ジョン・レノン",
            "https://ru.wikipedia.org/wiki/Москва",
            "https://fa.wikipedia.org/wiki/می\u{200c}خواهم",
            "https://en.wikipedia.org/wiki/Michelson–Morley_experiment",
            "https://en.wikipedia.org/wiki/Rubik’s_Cube",
            "https://ca.wikipedia.org/wiki/Col·lecció",
            "https://x.org/a?q={a}|b&c=[1]^2~x",
            "https://x.org/a,b;c:d!e*f'g",
            "https://x.org/$a+b%20c#d=e@f",
            "https://web.archive.org/web/2020/https://x.org/a",
            "https://x.org/❤\u{fe0f}",
            "https://пример.рф/news",
            "https://例え.テスト/a",
            "https://x.भारत:8080/a?b#c",
            "http://[2001:db8::1]:8008/path",
            "http://[::1]/",
            "http://localhost:3000",
            "http://intranet/wiki",
            "http://foo_bar.example.org/",
            "http://x.org./a",
            "http://192.168.1.1",
            "http://2130706433/",
            "HTTPS://X.ORG/A",
            "http://user:pass@x.org/a",
            "https://medium.com/@ana/post",
            "https://xn--e1afmkfd.xn--p1ai/",
        ] {
            assert_eq!(typed(address), [address]);
            assert_eq!(typed(&format!("go to {address}, now")), [address]);
            assert_eq!(links(address)[0].href, address);
        }
    }

    #[test]
    fn bare_domains_need_a_path_www_or_a_known_top_level() {
        for (text, expected) in [
            ("see example.org.", vec!["example.org"]),
            ("x.org/@ana", vec!["x.org/@ana"]),
            ("docs.rs/tokio", vec!["docs.rs/tokio"]),
            ("www.example.rs", vec!["www.example.rs"]),
            ("example.com:8080/a and EXAMPLE.COM", vec!["example.com:8080/a", "EXAMPLE.COM"]),
            ("elpais.es?", vec!["elpais.es"]),
            ("(example.org)", vec!["example.org"]),
            ("пример.рф/news", vec!["пример.рф/news"]),
            ("见example.org吧", vec!["example.org"]),
            ("example.org，", vec!["example.org"]),
            ("main.rs setup.py README.md x.sh a.zip y.mov z.ts w.pl v.cc", vec![]),
            ("Node.js/Express config.toml/x index.html/", vec![]),
            ("and/or 1.5/2 e.g. i.e./x p.m./a.m. v1.2.3", vec![]),
            ("window.app() x.io=1 foo.com_bar foo.comé", vec![]),
            ("src/example.org ./x.com ~x.com C:\\x.com #x.com", vec![]),
            ("etc.and www.foo a..com -x.com", vec![]),
            ("https:// http://. ftp://x.org/a javascript://x.org/%0a", vec![]),
        ] {
            assert_eq!(typed(text), expected, "{text}");
        }
        assert_eq!(links("www.example.org/a")[0].href, "https://www.example.org/a");
    }

    #[test]
    fn a_host_longer_than_the_limit_is_not_an_address() {
        let host = format!("{}org", "例え.".repeat(80));
        let long = format!("http://{host}/a{}", "b".repeat(300));
        assert_eq!(typed(&long), [&long]);
        assert_eq!(typed(&format!("http://{}{host}/a", "例え.".repeat(6))), [""; 0]);
    }

    #[test]
    fn e_mail_addresses_are_addresses() {
        for (text, expected) in [
            ("write to ana@example.org.", vec!["ana@example.org"]),
            ("<first.last+tag@mail.example.co.uk>", vec!["first.last+tag@mail.example.co.uk"]),
            ("ana@пример.рф", vec!["ana@пример.рф"]),
            ("josé@example.org", vec!["josé@example.org"]),
            ("mailto:ana@example.org,", vec!["ana@example.org"]),
            ("@ana@example.org", vec![]),
            ("ana@localhost x@y ana@ @example", vec![]),
            ("a..b@example.org .@example.org", vec![]),
        ] {
            assert_eq!(typed(text), expected, "{text}");
        }
        assert_eq!(links("ana@example.org")[0].href, "mailto:ana@example.org");
    }

    proptest! {
        #[test]
        fn the_parser_accepts_every_plain_domain(
            host in "((xn--|XN--)?[a-zA-Z0-9-]{1,5}\\.){1,3}([a-zA-Z]{2,4}|xn--[a-z0-9]{1,4})",
        ) {
            if is_plain(&host) && top_level(&host).is_some() {
                prop_assert!(url::Url::parse(&format!("https://{host}/")).is_ok(), "{}", host);
            }
        }
    }
}
