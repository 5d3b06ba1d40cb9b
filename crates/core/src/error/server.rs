use std::fmt;

/// What the provider said of its refusal, in RFC 6749's words or in HelloSign's.
///
/// All of it is text of somebody else's: control characters are escaped, long text is cut, and the
/// secrets of the request are replaced.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerError {
    pub(crate) code: String,
    pub(crate) description: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) path: Option<String>,
}

impl ServerError {
    /// The error code: `error` (RFC 6749 sections 4.1.2.1 and 5.2) such as `invalid_grant`, or
    /// HelloSign's `error_name` such as `exceeded_rate`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The description for developers: `error_description`, or HelloSign's `error_msg`.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The address of a page on the error: `error_uri` (RFC 6749 section 5.2).
    #[must_use]
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// The part of the request that was at fault: HelloSign's `error_path`.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if let Some(description) = &self.description {
            write!(f, " ({description})")?;
        }
        if let Some(path) = &self.path {
            write!(f, " at {path}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerError({self})")
    }
}
