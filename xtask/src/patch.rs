//! Textual patches: for each hunk a file, a text that occurs there once, and its replacement.
//!
//! ```text
//! file crates/tokens/src/rules.rs
//! <<<<
//! the text
//! ====
//! the replacement
//! >>>>
//! ```

use crate::command::Outcome;

/// A patch.
#[derive(Debug)]
pub(crate) struct Patch<'a>(Vec<Hunk<'a>>);

#[derive(Debug)]
struct Hunk<'a> {
    file: &'a str,
    text: &'a str,
    replacement: &'a str,
}

impl<'a> Patch<'a> {
    /// Reads a patch.
    pub(crate) fn parse(mut patch: &'a str) -> Outcome<Self> {
        let mut hunks = Vec::new();
        while !patch.trim().is_empty() {
            let mut part = |end: &str| {
                let (part, rest) = patch
                    .split_once(end)
                    .ok_or_else(|| format!("the patch lacks {end:?} after {patch:?}"))?;
                patch = rest;
                Ok::<_, String>(part)
            };
            let file = part("\n<<<<\n")?;
            let file = file.strip_prefix("file ").ok_or("a hunk does not begin with its file")?;
            let (text, replacement) = (part("\n====\n")?, part("\n>>>>\n")?);
            hunks.push(Hunk { file, text, replacement });
        }
        Ok(Self(hunks))
    }

    /// Returns the text of `file` with the patch applied.
    pub(crate) fn apply(&self, file: &str, text: String) -> Outcome<String> {
        let hunks = self.0.iter().filter(|it| it.file == file);
        hunks.into_iter().try_fold(text, |text, hunk| match text.matches(hunk.text).count() {
            1 => Ok(text.replacen(hunk.text, hunk.replacement, 1)),
            times => Err(format!(
                "cannot patch {file}: the text occurs {times} times. It must occur once:\n{}",
                hunk.text
            )
            .into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::Patch;
    use crate::{model::rows::ROWS, simulate};

    #[test]
    fn every_patch_applies() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let rows = ROWS.iter().map(|row| (row.name, row.patch));
        for (name, patch) in rows.chain([(simulate::STORED_FIRST, simulate::ORDER)]) {
            let patch = Patch::parse(patch).unwrap();
            assert!(!patch.0.is_empty(), "{name} changes nothing");
            for hunk in &patch.0 {
                let text = fs::read_to_string(root.join(hunk.file)).unwrap();
                let patched = patch.apply(hunk.file, text.clone());
                assert_ne!(patched.unwrap_or_else(|it| panic!("{name}: {it}")), text);
            }
        }
    }
}
