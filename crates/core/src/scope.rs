//! Scopes (RFC 6749 section 3.3).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// A list of scopes, in the order in which they were asked for or granted.
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::Scopes;
///
/// let scopes = Scopes::new(["basic_account_info", "request_signature"])?;
/// assert!(scopes.contains("request_signature"));
/// # Ok::<(), countersign::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Scopes(String);

impl Scopes {
    /// A list of these scopes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when one of them is not a scope token: one or more printable
    /// ASCII characters other than space, `"` and `\` (RFC 6749 section 3.3).
    pub fn new<I>(scopes: I) -> Result<Self, Error>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut list = Self::default();
        for scope in scopes {
            let scope = scope.as_ref();
            if !is_token(scope) {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    format!("{scope:?} is not a scope: name one scope at a time, without spaces"),
                ));
            }
            list.push(scope);
        }
        Ok(list)
    }

    /// Reads a `scope` value of an answer. Some providers separate by something other than space.
    /// What is no scope is passed over: it is somebody else's text, and will be printed.
    pub(crate) fn parse(text: &str, separator: char) -> Self {
        let mut list = Self(String::with_capacity(text.len()));
        text.split([' ', separator]).filter(|scope| is_token(scope)).for_each(|it| list.push(it));
        list
    }

    /// The scopes, one by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|scope| !scope.is_empty())
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.iter().any(|one| one == scope)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Separated by spaces, as RFC 6749 has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn push(&mut self, scope: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(scope);
    }
}

impl From<String> for Scopes {
    /// Reads a list that is separated by spaces. What is no scope is passed over.
    fn from(text: String) -> Self {
        Self::parse(&text, ' ')
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.0
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_token(scope: &str) -> bool {
    !scope.is_empty()
        && scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::Scopes;

    #[test]
    fn only_scope_tokens_are_taken() {
        for bad in ["", "two words", "quote\"", "back\\slash", "é", "line\n"] {
            assert!(Scopes::new([bad]).is_err(), "{bad:?}");
        }
        assert!(Scopes::new(["https://example.test/read", "a.b:c"]).is_ok());
    }

    #[test]
    fn an_answer_may_separate_by_comma() {
        let scopes = Scopes::parse("repo,user  gist", ',');
        assert_eq!(scopes.iter().collect::<Vec<_>>(), ["repo", "user", "gist"]);
        assert_eq!(scopes.to_string(), "repo user gist");
        assert_eq!(Scopes::parse("a\nb c\u{1b}[31m d", ' ').to_string(), "d");
    }
}
