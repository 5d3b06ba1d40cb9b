//! Why the token and revocation endpoints refuse. How that is written is the dialect's business.

/// A refused token or revocation request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request cannot be read or lacks something.
    Malformed(&'static str),
    /// The content type is none that this endpoint reads.
    ContentType,
    /// The body is too large.
    TooLarge,
    /// The grant type is not one of ours.
    GrantType,
    /// The client is unknown, or its credentials are missing, wrong or sent the wrong way.
    Client(&'static str),
    /// The code is unknown, late, spent, or another client's; or the verifier or redirect URI of its
    /// request is another one.
    Code(&'static str),
    /// The refresh token is unknown, revoked, reused or another client's.
    RefreshToken,
    /// The token that is to be revoked is another client's.
    ForeignToken,
    /// More scope was asked for than was granted.
    Scope,
}
