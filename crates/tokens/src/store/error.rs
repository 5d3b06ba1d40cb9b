use std::fmt;
use std::sync::Arc;

/// A store could not do what was asked, or does not know whether it did.
///
/// Cheap to clone. `Display` names the failure, `source()` is the error of the store's own library.
/// Neither shows a payload.
#[derive(Debug, Clone)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// Why a store failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It cannot be reached, or its device fails. Trying again may help.
    Unavailable,
    /// It did not answer in time.
    Timeout,
    /// It has no room left.
    Full,
    /// It takes no writes: a read-only file system, a lack of permission, a standby.
    ReadOnly,
    /// What it holds for this key cannot be read, and was left as it is or set aside.
    Damaged,
    /// What it holds was written in a form that this version does not read.
    UnknownVersion,
    /// What it holds is sealed by a key that is not in the ring.
    UnknownKey,
    /// What it holds does not open with the key that it names: another key of that name, a record
    /// of another grant, or bytes that were changed.
    Unsealable,
    /// The operating system gave no random bytes.
    Randomness,
    /// Anything else.
    Other,
}

impl StoreError {
    /// Creates an error of this kind.
    #[must_use]
    pub fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Sets the error of the store's own library as source. It must not show a payload.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Turns [`Full`](StoreErrorKind::Full) and [`ReadOnly`](StoreErrorKind::ReadOnly), which say that
    /// a swap was not done, into [`Unavailable`](StoreErrorKind::Unavailable). For a store that
    /// repeats a swap: an earlier copy without an answer may be done although the last copy was
    /// refused.
    #[must_use]
    pub fn with_unknown_outcome(mut self) -> Self {
        if self.is_refusal() {
            self.kind = StoreErrorKind::Unavailable;
        }
        self
    }

    /// Names the row whose record could not be read.
    pub(crate) fn of_row(self, key: &str) -> Self {
        let why = self.source.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
        Self::new(self.kind).with_source(format!("the record under `{key}`{why}"))
    }

    /// Returns whether a swap with this error was not done and never will be.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Full | StoreErrorKind::ReadOnly)
    }

    /// Returns whether only a person can remove the cause.
    pub(crate) fn needs_a_person(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Full
                | StoreErrorKind::ReadOnly
                | StoreErrorKind::Damaged
                | StoreErrorKind::UnknownVersion
                | StoreErrorKind::UnknownKey
                | StoreErrorKind::Unsealable
        )
    }

    /// Returns what happened.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Unavailable => "the store cannot be reached",
            StoreErrorKind::Timeout => "the store did not answer in time",
            StoreErrorKind::Full => "the store has no room left",
            StoreErrorKind::ReadOnly => "the store takes no writes",
            StoreErrorKind::Damaged => "what the store holds for this grant cannot be read",
            StoreErrorKind::UnknownVersion => {
                "what the store holds for this grant was written by another version of this library"
            }
            StoreErrorKind::UnknownKey => {
                "what the store holds for this grant is sealed by a key that is not in the ring"
            }
            StoreErrorKind::Unsealable => {
                "what the store holds for this grant does not open: the key is another one, or the \
                 record was changed or belongs to another grant"
            }
            StoreErrorKind::Randomness => "the operating system gave no random bytes",
            StoreErrorKind::Other => "the store failed",
        })
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}
