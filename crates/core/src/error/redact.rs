mod plain;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use form_urlencoded::byte_serialize;
use http::HeaderMap;
use http::header::{SET_COOKIE, WWW_AUTHENTICATE};
use memchr::memmem;
use zeroize::Zeroizing;

use plain::Plain;

/// Takes the secrets of a request out of what the server answered to it.
pub(crate) struct Redactor {
    /// Every secret, as it is and in base64.
    needles: Vec<Needle>,
}

const MASK: &[u8] = b"[redacted]";

/// How much text of a server's is kept.
const EXCERPT_CHARS: usize = 512;

/// How much of a body is looked at for an excerpt, far more than the excerpt has.
const WINDOW: usize = 16 * 1024;

/// How much longer than what it stands for an escape is at most: `&#x00e9;`.
const LONGEST_ESCAPE: usize = 10;

/// A body that speaks of these may hold tokens that are not in the request.
const TOKEN_NAMES: [&[u8]; 3] = [b"access_token", b"refresh_token", b"id_token"];

impl Redactor {
    /// For a request that holds these secrets.
    pub(crate) fn new<'a, I: IntoIterator<Item = &'a str>>(secrets: I) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
        Self { needles: secrets.flat_map(needles).collect() }
    }

    /// Marks the headers sensitive that hold a secret, or are made to: `Debug` does not print them.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        for (name, value) in headers {
            let text = value.as_bytes();
            let told = text.len() > WINDOW || self.finds_in(text);
            if told || name == SET_COOKIE || name == WWW_AUTHENTICATE {
                value.set_sensitive(true);
            }
        }
    }

    /// A short text of the server's, fit to be shown.
    pub(crate) fn text(&self, text: &str) -> String {
        self.beginning(text.as_bytes())
    }

    /// The beginning of a body, fit to be shown.
    pub(super) fn excerpt(&self, body: &[u8]) -> Option<String> {
        let window = window_of(body);
        let unknown_tokens = TOKEN_NAMES.iter().any(|name| find(window, name).next().is_some());
        if unknown_tokens || window.trim_ascii().is_empty() {
            return None;
        }
        Some(self.beginning(body))
    }

    /// What is looked at is bounded too: a server decides how long both are that are compared.
    fn beginning(&self, text: &[u8]) -> String {
        let window = window_of(text);
        // A secret may be cut in two at the window's end, and not be found.
        let longest = self.needles.iter().map(|needle| needle.raw.len()).max().unwrap_or(0);
        let cut = if text.len() > WINDOW { longest * LONGEST_ESCAPE } else { 0 };
        bounded(&self.replace(window, window.len().saturating_sub(cut)))
    }

    /// The first `shown` bytes of `text`, secrets replaced.
    fn replace(&self, text: &[u8], shown: usize) -> Vec<u8> {
        let mut replaced = Vec::with_capacity(shown);
        let mut was_hidden = false;
        for (&byte, hidden) in text.iter().zip(self.hidden(text)).take(shown) {
            if !hidden {
                replaced.push(byte);
            } else if !was_hidden {
                replaced.extend_from_slice(MASK);
            }
            was_hidden = hidden;
        }
        replaced
    }

    /// Of each byte of `text`, whether it is part of a secret.
    fn hidden(&self, text: &[u8]) -> Vec<bool> {
        let plain = Plain::of(text);
        let mut hidden = vec![false; text.len()];
        for needle in &self.needles {
            for at in find(text, &needle.raw) {
                hidden[at..at + needle.raw.len()].fill(true);
            }
            for at in find(&plain.bytes, &needle.plain.bytes) {
                hidden[plain.source(at, needle.plain.bytes.len())].fill(true);
            }
        }
        hidden
    }

    fn finds_in(&self, text: &[u8]) -> bool {
        self.hidden(text).contains(&true)
    }
}

/// What is looked for, in a text as it is and in one whose escapes are undone.
struct Needle {
    raw: Zeroizing<Vec<u8>>,
    plain: Plain,
}

impl Needle {
    fn new(raw: Vec<u8>) -> Self {
        let plain = Plain::of(&raw);
        Self { raw: Zeroizing::new(raw), plain }
    }
}

/// A secret as it is, and in base64: by itself, or in the `id:secret` of HTTP Basic, where it may
/// have been form-encoded before (RFC 6749 section 2.3.1).
fn needles(secret: &str) -> Vec<Needle> {
    let mut form = Zeroizing::new(String::with_capacity(3 * secret.len()));
    form.extend(byte_serialize(secret.as_bytes()));
    let mut percent = Zeroizing::new(String::with_capacity(3 * form.len()));
    form.split('+').enumerate().for_each(|(index, part)| {
        percent.push_str(if index > 0 { "%20" } else { "" });
        percent.push_str(part);
    });
    let mut all = vec![Needle::new(secret.as_bytes().to_vec())];
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for text in [secret, &form, &percent] {
            for offset in 0..3 {
                let core = base64_core(&engine, text, offset);
                // Most are the same in both alphabets.
                if !core.is_empty() && !all.iter().any(|needle| *needle.raw == core) {
                    all.push(Needle::new(core));
                }
            }
        }
    }
    all
}

/// The characters that `secret` alone decides in base64 of a text that has it at an offset of
/// `offset` modulo three: those at its ends depend on its neighbours too.
fn base64_core(engine: &impl Engine, secret: &str, offset: usize) -> Vec<u8> {
    let mut padded = Zeroizing::new(vec![0_u8; offset]);
    padded.extend_from_slice(secret.as_bytes());
    let mut encoded = engine.encode(&*padded).into_bytes();
    if !padded.len().is_multiple_of(3) {
        encoded.pop();
    }
    let skipped = if offset == 0 { 0 } else { offset + 1 };
    encoded.drain(..skipped.min(encoded.len()));
    // A few characters would be found everywhere and say nothing of the secret.
    if encoded.len() < 4 { Vec::new() } else { encoded }
}

/// Where `needle` begins in `haystack`, in time that grows with their sum and not their product.
fn find<'a>(haystack: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    memmem::find_iter(haystack, needle).filter(|_| !needle.is_empty())
}

fn window_of(text: &[u8]) -> &[u8] {
    &text[..text.len().min(WINDOW)]
}

/// At most [`EXCERPT_CHARS`] characters, those that would disturb a terminal or a log escaped.
fn bounded(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let escaped = text.chars().flat_map(|char| {
        let escape = disturbs(char).then(|| char.escape_default());
        let itself = (!disturbs(char)).then_some(char);
        escape.into_iter().flatten().chain(itself)
    });
    let mut kept: String = escaped.clone().take(EXCERPT_CHARS).collect();
    if escaped.clone().nth(EXCERPT_CHARS).is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// Control characters, and those that break lines or change the direction of writing.
fn disturbs(char: char) -> bool {
    let breaks_or_turns = matches!(
        char,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    char.is_control() || breaks_or_turns
}

#[cfg(test)]
mod tests {
    use super::{EXCERPT_CHARS, Redactor};
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    const SECRET: &str = "S3cR\"t/\\ +é&%";

    #[test]
    fn every_encoding_of_a_secret_is_replaced() {
        let form: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let echoes = [
            SECRET.to_owned(),
            serde_json::to_string(SECRET).expect("a string"),
            serde_json::to_string(SECRET).expect("a string").replace('/', "\\/"),
            form.clone(),
            form.replace("%2F", "%2f")
                .replace("%2B", "%2b")
                .replace("%5C", "%5c")
                .replace("%C3%A9", "%c3%a9"),
            form.replace('+', "%20"),
            STANDARD.encode(SECRET),
            STANDARD.encode(format!("id:{SECRET}")),
            STANDARD.encode(format!("ident:{SECRET}:more")),
            URL_SAFE.encode(format!("{{\"a\":\"{SECRET}\"}}")),
        ];
        let redactor = Redactor::new([SECRET]);
        for echo in echoes {
            let shown = redactor.excerpt(format!("you sent {echo} to us").as_bytes());
            let shown = shown.expect("not empty");
            assert!(shown.contains("[redacted]"), "{shown}");
            assert!(redactor.finds_in(echo.as_bytes()));
            assert!(!redactor.finds_in(shown.as_bytes()));
        }
    }

    #[test]
    fn excerpts_are_bounded_and_harmless() {
        let redactor = Redactor::new([]);
        let long = redactor.excerpt("\u{1b}[31m\n<h1>".repeat(10_000).as_bytes()).expect("text");
        assert_eq!(long.chars().count(), EXCERPT_CHARS);
        assert!(!long.contains(['\u{1b}', '\n']));
        let turned = redactor.text("abc\u{202e}cba\u{2028}");
        assert_eq!(turned, "abc\\u{202e}cba\\u{2028}");
        assert_eq!(redactor.excerpt(b" \r\n"), None);
        assert_eq!(redactor.excerpt(br#"{"access_token":"new"}"#), None);
    }
}
