//! What a conformance suite finds.

use std::fmt;
#[cfg(feature = "conformance")]
use std::io;

/// Whether a rule is kept.
pub type Verdict = Result<(), Broken>;

/// How a rule is broken, in words.
pub struct Broken(String);

impl Broken {
    pub(crate) fn new(how: impl Into<String>) -> Self {
        Self(how.into())
    }
}

/// The words as they are: this is what a failed test prints.
impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

#[cfg(feature = "conformance")]
impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self(format!("the suite's own server failed: {error}"))
    }
}

#[cfg(feature = "conformance")]
impl From<http::Error> for Broken {
    fn from(error: http::Error) -> Self {
        Self(format!("the suite made a request that is none: {error}"))
    }
}

#[cfg(feature = "tokens")]
impl From<countersign_tokens::StoreError> for Broken {
    fn from(error: countersign_tokens::StoreError) -> Self {
        let source = std::error::Error::source(&error);
        Self(format!("{error}: {}", source.map_or_else(String::new, ToString::to_string)))
    }
}

/// Holds, or the rule is broken in these words.
macro_rules! hold {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err($crate::Broken::new(format!($($words)+)));
        }
    };
}
pub(crate) use hold;
