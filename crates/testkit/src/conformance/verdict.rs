use std::fmt;
use std::io;

use crate::conformance::Subject;

/// One rule of the suite.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Rule {
    /// Its name, which is that of its test.
    pub name: &'static str,
    /// Judges a transport by it.
    pub judge: fn(&Subject<'_>) -> Verdict,
}

impl Rule {
    pub(crate) const fn new(name: &'static str, judge: fn(&Subject<'_>) -> Verdict) -> Self {
        Self { name, judge }
    }
}

/// Whether a transport keeps a rule.
pub type Verdict = Result<(), Broken>;

/// How a transport breaks a rule, in words.
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

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self(format!("the suite's own server failed: {error}"))
    }
}

impl From<http::Error> for Broken {
    fn from(error: http::Error) -> Self {
        Self(format!("the suite made a request that is none: {error}"))
    }
}

/// Holds, or the rule is broken in these words.
macro_rules! hold {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err($crate::conformance::Broken::new(format!($($words)+)));
        }
    };
}
pub(crate) use hold;
