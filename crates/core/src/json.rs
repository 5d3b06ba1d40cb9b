//! Reading JSON that somebody else wrote.

use serde::Deserialize;
use serde_json::error::Category;

use crate::error::{Error, ErrorKind};

/// Reads a body whole; `shape` is what it should have been.
///
/// The error says where it failed, and not what stood there: serde's words may quote the body.
/// Known to be UTF-8 as a whole, it need not be checked string by string.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8], shape: &str) -> Result<T, Error> {
    let text = std::str::from_utf8(body).map_err(|error| {
        malformed(format!("the answer is not text (at byte {})", error.valid_up_to()))
    })?;
    serde_json::from_str(text).map_err(|error| {
        let what = match error.classify() {
            Category::Eof => "ends too early".to_owned(),
            Category::Data => format!("is not {shape}"),
            Category::Syntax | Category::Io => "is not JSON".to_owned(),
        };
        let (line, column) = (error.line(), error.column());
        malformed(format!("the answer {what} (at line {line}, column {column})"))
    })
}

fn malformed(message: String) -> Error {
    Error::new(ErrorKind::ResponseMalformed, message)
}
