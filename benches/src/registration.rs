//! One registration for all subjects. The values are those of the vendor's published examples, but
//! for the `state`, which Countersign draws itself.

/// The client's id.
pub const CLIENT_ID: &str = "cc91c61d00f8bb2ece1428035716b";
/// The client's secret.
pub const CLIENT_SECRET: &str = "1d14434088507ffa390e6f5528465";
/// The code that every callback brings.
pub const CODE: &str = "1b0d28d90c86c141";
/// A `state` as long as Countersign's, for the other subjects.
pub const STATE: &str = "Z1NfTYmUyzrQXBMvkCFgKdJwh6Ssb3uIqLeWpaxHtEo";
/// HelloSign's token endpoint.
pub const TOKEN_URL: &str = "https://app.hellosign.com/oauth/token";
/// An authorization endpoint of a provider that does PKCE.
pub const AUTHORIZATION_URL: &str = "https://id.example/oauth/authorize";
/// The redirect URI.
pub const REDIRECT_URI: &str = "https://app.example/callback";
/// The scope that is asked for.
pub const SCOPE: &str = "basic_account_info";
