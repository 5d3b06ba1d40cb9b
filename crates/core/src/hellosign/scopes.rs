/// A scope of the model in which **the app's owner is charged**.
///
/// The two models exclude each other. They are two types, so that a list of both does not compile,
/// and a flow that is given names of both as text refuses to begin:
///
/// ```compile_fail
/// # use countersign_core as countersign;
/// use countersign::hellosign::{AppOwnerScope, UserScope};
///
/// let mixed = [AppOwnerScope::REQUEST_SIGNATURE, UserScope::ACCOUNT_ACCESS];
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AppOwnerScope(&'static str);

/// A scope of the model in which **the user is charged**. See [`AppOwnerScope`] for what keeps the
/// two apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserScope(&'static str);

impl AppOwnerScope {
    /// `basic_account_info`: the account's id and address.
    pub const BASIC_ACCOUNT_INFO: Self = Self("basic_account_info");
    /// `request_signature`: send, view and update signature requests.
    pub const REQUEST_SIGNATURE: Self = Self("request_signature");

    /// Every scope of this model.
    pub const ALL: [Self; 2] = [Self::BASIC_ACCOUNT_INFO, Self::REQUEST_SIGNATURE];
}

impl UserScope {
    /// `account_access`: the account's settings.
    pub const ACCOUNT_ACCESS: Self = Self("account_access");
    /// `signature_request_access`: send, view and update signature requests.
    pub const SIGNATURE_REQUEST_ACCESS: Self = Self("signature_request_access");
    /// `template_access`: view, create and change templates.
    pub const TEMPLATE_ACCESS: Self = Self("template_access");
    /// `team_access`: view and change the team.
    pub const TEAM_ACCESS: Self = Self("team_access");
    /// `api_app_access`: view, create and change API apps.
    pub const API_APP_ACCESS: Self = Self("api_app_access");

    /// Every scope of this model.
    pub const ALL: [Self; 5] = [
        Self::ACCOUNT_ACCESS,
        Self::SIGNATURE_REQUEST_ACCESS,
        Self::TEMPLATE_ACCESS,
        Self::TEAM_ACCESS,
        Self::API_APP_ACCESS,
    ];
}

macro_rules! scope_text {
    ($name:ident) => {
        impl $name {
            /// The scope as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.0
            }
        }
    };
}

scope_text!(AppOwnerScope);
scope_text!(UserScope);
