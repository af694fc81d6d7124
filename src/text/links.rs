//! Web and e-mail addresses in a text, wherever people write them: with a scheme, with `www.`, as a
//! bare domain, as an e-mail address.
//!
//! Where an address ends is decided by what Unicode says of each character, since tools leave
//! letters of every script unescaped and people put the marks of every script behind. Whether it is
//! one is decided by the parser that browsers have (WHATWG URL).

use std::ops::Range;

use icu_properties::props::{
    BidiControl, GeneralCategory, GeneralCategoryGroup, TerminalPunctuation,
};
use icu_properties::{CodePointMapData, CodePointSetData};

use super::scripts::is_written_without_spaces;
use super::visible::{is_ignorable, is_mark};

/// An address: where it stands in the text, in bytes, and what it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub at: Range<usize>,
    /// Begins with `http:`, `https:` or `mailto:`.
    pub href: String,
}

/// Top-level domains that make a bare domain an address. None of them is the ending of a file or a
/// word that stands behind a full stop without a space.
const TOP_LEVEL: [&str; 50] = [
    "ai", "app", "ar", "au", "biz", "blog", "br", "ca", "ch", "chat", "cl", "club", "cn", "co",
    "com", "cz", "de", "dev", "dk", "edu", "es", "eu", "fi", "fr", "gov", "gr", "hu", "ie", "info",
    "int", "io", "jp", "kr", "mil", "mx", "net", "nl", "nz", "online", "org", "pe", "pt", "ru",
    "se", "site", "uk", "uy", "ve", "wiki", "xyz",
];

/// Endings of files that are no top-level domain: `Node.js/Express` is no address.
const FILES: [&str; 40] = [
    "bak", "bash", "cfg", "class", "conf", "cpp", "css", "csv", "doc", "docx", "exe", "gif", "go",
    "gz", "hpp", "htm", "html", "ini", "java", "jpeg", "jpg", "js", "json", "jsx", "kt", "lock",
    "log", "pdf", "php", "png", "rb", "sql", "svg", "tar", "toml", "tsx", "txt", "xml", "yaml",
    "yml",
];

/// The longest name before the `@` of an e-mail address (RFC 5321, section 4.5.3.1.1).
const LONGEST_LOCAL: usize = 64;

/// Every address in the text, in its order; none overlaps another.
pub fn links(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    if !may_have_links(text) {
        return found;
    }
    let (mut free, mut before) = (0, None);
    for (at, c) in text.char_indices() {
        if at >= free
            && let Some(link) = link_at(text, (free, at), c, before)
        {
            free = link.at.end;
            found.push(link);
        }
        before = Some(c);
    }
    found
}

/// Most texts have none of the marks that every address has.
fn may_have_links(text: &str) -> bool {
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let next = bytes.peek().copied().unwrap_or(b' ');
        match byte {
            b'@' => return true,
            b'.' if next.is_ascii_alphanumeric() || !next.is_ascii() => return true,
            b':' if next == b'/' => return true,
            _ => {}
        }
    }
    false
}

/// The address that begins at `at`, or whose `@` stands there; nothing before `free` belongs to it.
fn link_at(text: &str, (free, at): (usize, usize), c: char, before: Option<char>) -> Option<Link> {
    if c == '@' {
        return email(text, free, at);
    }
    let rest = text.get(at..)?;
    if let Some(scheme) = scheme_of(rest) {
        if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
            return None;
        }
        let end = end_of_address(rest, scheme)?;
        let typed = rest.get(..end)?;
        return is_web(typed).then(|| Link { at: at..at + end, href: typed.to_owned() });
    }
    let begins_word = c.is_alphanumeric() && before.is_none_or(|before| parts(before, c));
    if begins_word { bare_domain(rest, at) } else { None }
}

/// Whether a bare domain may begin with `c` behind this character: not inside a word, a path, a name
/// in code or another address.
fn parts(before: char, c: char) -> bool {
    if before.is_alphanumeric() || is_mark(before) {
        return is_written_without_spaces(before) && c.is_ascii();
    }
    !"@/.-_:=\\#~%&$+".contains(before)
}

/// How long `http://` or `https://` at the beginning is.
fn scheme_of(text: &str) -> Option<usize> {
    ["http://", "https://"].into_iter().map(str::len).find(|length| {
        text.get(..*length).is_some_and(|start| {
            start.eq_ignore_ascii_case("http://") || start.eq_ignore_ascii_case("https://")
        })
    })
}

/// Whether a browser opens the address, by the rules of its address bar.
fn is_web(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !host.is_empty())
    })
}

/// An address without a scheme, at the beginning of `rest`, which stands at `at`.
fn bare_domain(rest: &str, at: usize) -> Option<Link> {
    let host = host_at(rest);
    let top = host.rsplit('.').next()?;
    let after = rest.get(host.len()..)?;
    let port = port_at(after);
    let behind = after.get(port..)?;
    let has_path = behind.starts_with('/') && !FILES.contains(&top.to_lowercase().as_str());
    let is_www = host.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."))
        && host.matches('.').count() > 1;
    let is_known = TOP_LEVEL.contains(&top.to_ascii_lowercase().as_str());
    if !is_domain(host) || !(has_path || is_www || is_known) || !ends_domain(behind) {
        return None;
    }
    let length = host.len() + port;
    let end = match behind.chars().next() {
        Some('/' | '?' | '#') => end_of_address(rest, length)?.max(length),
        _ => length,
    };
    let href = format!("https://{}", rest.get(..end)?);
    is_web(&href).then_some(Link { at: at..at + end, href })
}

/// As much of the beginning as a host name may be; one that begins in ASCII stays there.
fn host_at(text: &str) -> &str {
    let ascii = text.starts_with(|c: char| c.is_ascii());
    let of_host = |c: char| {
        c == '.'
            || c == '-'
            || c.is_ascii_alphanumeric()
            || (!ascii && (c.is_alphanumeric() || is_mark(c)))
    };
    let end = text.find(|c| !of_host(c)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim_end_matches(['.', '-'])
}

/// At least two labels, and the last of them letters (RFC 1123, section 2.1).
fn is_domain(host: &str) -> bool {
    let sound = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    let top = host.rsplit('.').next().unwrap_or_default();
    let letters = top.chars().all(|c| c.is_alphabetic() || is_mark(c)) || top.starts_with("xn--");
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(sound)
        && letters
        && top.chars().count() >= 2
}

/// How long `:8080` at the beginning is.
fn port_at(text: &str) -> usize {
    let digits = text.strip_prefix(':').unwrap_or_default();
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=5).contains(&length) { 1 + length } else { 0 }
}

/// Whether a domain may end before this: not in the middle of a word, an e-mail address or a line of
/// code (`window.app()`).
fn ends_domain(behind: &str) -> bool {
    behind.chars().next().is_none_or(|c| {
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
    let typed = before.get(before.len() - length..)?;
    let local = typed.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
    let start = at - local.len();
    let domain = host_at(text.get(at + 1..)?);
    let end = at + 1 + domain.len();
    let behind = text.get(end..)?;
    let sound = (1..=LONGEST_LOCAL).contains(&local.chars().count())
        && !local.ends_with('.')
        && !local.contains("..")
        && !text.get(..start)?.ends_with(['@', '/'])
        && is_domain(domain)
        && behind.chars().next().is_none_or(|c| !"@_".contains(c) && !c.is_ascii_alphanumeric());
    sound.then(|| Link {
        at: start..end,
        href: format!("mailto:{}", text.get(start..end).unwrap_or_default()),
    })
}

/// Where an address ends whose scheme or host is `from` bytes long. `None` where nothing follows.
fn end_of_address(text: &str, from: usize) -> Option<usize> {
    let mut open: Vec<char> = Vec::new();
    let mut end = from;
    let mut chars = text.get(from..)?.char_indices().peekable();
    let mut before = text.get(..from)?.chars().next_back();
    while let Some((offset, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let rest = text.get(from + offset + c.len_utf8()..)?;
        let kept = match c {
            '(' | '[' | '{' => {
                open.push(c);
                true
            }
            ')' => open.pop() == Some('('),
            ']' => open.pop() == Some('['),
            '}' => open.pop() == Some('{'),
            // Two addresses, parted by a mark.
            ',' | ';' | '|' => scheme_of(rest).is_none(),
            c if c.is_ascii() => c.is_ascii_graphic() && !"\"<>`".contains(c),
            c => belongs(c, before, next),
        };
        if !kept {
            break;
        }
        end = from + offset + c.len_utf8();
        before = Some(c);
    }
    Some(without_marks_behind(text.get(..end)?, from))
}

/// Whether a character that is not ASCII is part of the address that it stands in.
fn belongs(c: char, before: Option<char>, next: Option<char>) -> bool {
    use GeneralCategoryGroup as Group;
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || is_mark(c));
    let joins = in_word(before) && in_word(next);
    if CodePointSetData::new::<BidiControl>().contains(c)
        || Group::Separator.contains(category)
        || category == GeneralCategory::Control
    {
        return false;
    }
    if is_ignorable(c) {
        // Joiners in words of Persian or Hindi, variants of emoji.
        return matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    }
    if Group::Punctuation.contains(category) {
        let parts = CodePointSetData::new::<TerminalPunctuation>().contains(c)
            || matches!(c, '…' | '‥' | '—' | '―' | '\u{2e3a}' | '\u{2e3b}')
            || (c != '’'
                && matches!(
                    category,
                    GeneralCategory::OpenPunctuation
                        | GeneralCategory::ClosePunctuation
                        | GeneralCategory::InitialPunctuation
                        | GeneralCategory::FinalPunctuation
                ));
        return joins && !parts;
    }
    true
}

/// The end without the marks of the sentence that the address stands in, and without brackets that
/// only open.
fn without_marks_behind(address: &str, from: usize) -> usize {
    let mut end = address.len();
    while end > from {
        let Some(last) = address.get(..end).and_then(|kept| kept.chars().next_back()) else {
            break;
        };
        if !".,:;!?'*|([{\u{200c}\u{200d}".contains(last) {
            break;
        }
        end -= last.len_utf8();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The addresses of a text as they are typed.
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
    fn what_belongs_to_an_address_stays() {
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
    fn domains_are_addresses_with_a_path_with_www_or_by_their_top_level() {
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

    #[test]
    fn long_texts_of_marks_cost_no_more_than_their_length() {
        for piece in
            ["(", "[", "http://", "a.", "a@", "@", "www.", "https://x.org/(", "x.org/", "。"]
        {
            let text = piece.repeat(16_000 / piece.len());
            assert!(links(&text).len() <= text.len());
        }
    }
}
