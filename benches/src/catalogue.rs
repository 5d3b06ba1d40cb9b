//! All operations by name, for the programs that count: the table, and the one that callgrind runs.

use crate::operation::Operation;
use crate::stub::Answer;
use crate::{countersign, minimum, oauth2};

/// What is to be done with an operation, whichever it is.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Does it.
    fn visit<O: Operation>(self, operation: &O) -> Self::Output;
}

/// An operation by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// [`countersign::Complete`]
    Complete(Answer),
    /// [`countersign::Verify`]
    Verify,
    /// [`countersign::Judge`]
    Judge,
    /// [`countersign::Authorize`]
    Authorize,
    /// [`minimum::Exchange`]
    Minimum(Answer),
    /// [`oauth2::Exchange`]
    Oauth2(Answer),
    /// [`oauth2::Authorize`]
    Oauth2Authorize,
    /// The stub alone.
    Stub(Answer),
}

impl Name {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let exchanges = [Self::Complete, Self::Minimum, Self::Oauth2, Self::Stub];
        let exchanges =
            exchanges.into_iter().flat_map(|exchange| Answer::ALL.into_iter().map(exchange));
        exchanges.chain([Self::Verify, Self::Judge, Self::Authorize, Self::Oauth2Authorize])
    }

    /// The operation of this name, where there is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::all().find(|name| name.text() == text)
    }

    /// The name as a word.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Complete(answer) => format!("complete-{}", answer.name()),
            Self::Verify => "verify".to_owned(),
            Self::Judge => "judge".to_owned(),
            Self::Authorize => "authorize".to_owned(),
            Self::Minimum(answer) => format!("minimum-{}", answer.name()),
            Self::Oauth2(answer) => format!("oauth2-{}", answer.name()),
            Self::Oauth2Authorize => "oauth2-authorize".to_owned(),
            Self::Stub(answer) => format!("stub-{}", answer.name()),
        }
    }

    /// Sets the operation up and shows it to `visitor`.
    pub fn visit<V: Visitor>(self, visitor: V) -> V::Output {
        match self {
            Self::Complete(answer) => visitor.visit(&countersign::Complete::new(answer)),
            Self::Verify => visitor.visit(&countersign::Verify::new()),
            Self::Judge => visitor.visit(&countersign::Judge::new()),
            Self::Authorize => visitor.visit(&countersign::Authorize::new()),
            Self::Minimum(answer) => visitor.visit(&minimum::Exchange::new(answer)),
            Self::Oauth2(answer) => visitor.visit(&oauth2::Exchange::new(answer)),
            Self::Oauth2Authorize => visitor.visit(&oauth2::Authorize::new()),
            Self::Stub(answer) => visitor.visit(&answer),
        }
    }
}
