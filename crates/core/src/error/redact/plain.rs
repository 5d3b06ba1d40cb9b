use zeroize::Zeroizing;

/// A text with the escapes of JSON, URLs and HTML undone, however often they were put on top of
/// each other, and where each byte of that stood.
///
/// A text and an escaped form of it come to the same here. So do a few texts that differ: a space
/// and a plus sign, or with and without backslashes; of secrets, that hides too much and never too
/// little.
pub(super) struct Plain {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// One more than there are bytes: the last is the end.
    starts: Vec<usize>,
}

/// What an escape stands for.
enum Escaped {
    Byte(u8),
    Char(char),
}

/// In place of any control character.
const CONTROL: u8 = 0;

impl Plain {
    pub(super) fn of(text: &[u8]) -> Self {
        let bytes = Zeroizing::new(Vec::with_capacity(text.len()));
        let mut plain = Self { bytes, starts: Vec::with_capacity(text.len() + 1) };
        for (at, &byte) in text.iter().enumerate() {
            plain.push(byte, at);
        }
        plain.starts.push(text.len());
        plain.fold();
        plain
    }

    /// Where, in the text, the bytes of this range stood.
    pub(super) fn source(&self, from: usize, length: usize) -> std::ops::Range<usize> {
        self.starts[from]..self.starts[from + length]
    }

    fn push(&mut self, byte: u8, at: usize) {
        // JSON within JSON doubles them.
        if byte == b'\\' && self.bytes.last() == Some(&byte) {
            return;
        }
        self.bytes.push(byte);
        self.starts.push(at);
        // What an escape stands for may be the end of another one.
        while let Some((length, escaped)) = escape_at_end(&self.bytes) {
            let kept = self.bytes.len() - length;
            let at = self.starts[kept];
            self.bytes.truncate(kept);
            match escaped {
                Escaped::Byte(byte) => self.bytes.push(byte),
                Escaped::Char(char) => {
                    self.bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            self.starts.truncate(kept);
            self.starts.resize(self.bytes.len(), at);
        }
    }

    /// Takes out backslashes, which belong to what follows them, and control characters.
    fn fold(&mut self) {
        let (mut kept, mut backslash) = (0, None);
        for index in 0..self.bytes.len() {
            let (byte, start) = (self.bytes[index], self.starts[index]);
            if byte == b'\\' {
                backslash.get_or_insert(start);
            } else if !byte.is_ascii_control() {
                self.bytes[kept] = if byte == b'+' { b' ' } else { byte };
                self.starts[kept] = backslash.take().unwrap_or(start);
                kept += 1;
            }
        }
        self.starts[kept] = backslash.unwrap_or(self.starts[self.bytes.len()]);
        self.bytes.truncate(kept);
        self.starts.truncate(kept + 1);
    }
}

/// The escape that `text` ends with, and its length, which is more than what it stands for has.
fn escape_at_end(text: &[u8]) -> Option<(usize, Escaped)> {
    match text {
        [.., b'\\', b'b' | b'f' | b'n' | b'r' | b't'] => Some((2, Escaped::Byte(CONTROL))),
        [.., b'%', high, low] => {
            let byte = u8::try_from(number(&[*high, *low], 16)?).ok()?;
            Some((3, Escaped::Byte(byte)))
        }
        [.., b'\\', b'x', high, low] => char_of(&[*high, *low], 16, 4),
        [.., b';'] => entity_at_end(text),
        _ => {
            let (_, tail) = text.split_at_checked(text.len().checked_sub(6)?)?;
            tail.strip_prefix(b"\\u").and_then(|digits| char_of(digits, 16, 6))
        }
    }
}

fn entity_at_end(text: &[u8]) -> Option<(usize, Escaped)> {
    const LONGEST: usize = "&#1114111;".len();
    let tail = &text[text.len().saturating_sub(LONGEST)..];
    let entity = &tail[tail.iter().rposition(|byte| *byte == b'&')?..];
    let char = match entity {
        b"&amp;" => '&',
        b"&lt;" => '<',
        b"&gt;" => '>',
        b"&quot;" => '"',
        b"&apos;" => '\'',
        [b'&', b'#', b'x' | b'X', digits @ .., b';'] => return char_of(digits, 16, entity.len()),
        [b'&', b'#', digits @ .., b';'] => return char_of(digits, 10, entity.len()),
        _ => return None,
    };
    Some((entity.len(), Escaped::Char(char)))
}

fn char_of(digits: &[u8], radix: u32, length: usize) -> Option<(usize, Escaped)> {
    Some((length, Escaped::Char(char::from_u32(number(digits, radix)?)?)))
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let all_digits = digits.iter().all(|digit| char::from(*digit).is_digit(radix));
    u32::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| all_digits)?, radix).ok()
}
