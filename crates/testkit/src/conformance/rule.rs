use crate::Verdict;
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
