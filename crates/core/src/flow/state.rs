use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::Error;
use crate::origin::Origin;
use crate::token::TokenSet;

/// A state of a flow: [`Pending`](crate::Pending), [`Authorized`](crate::Authorized),
/// [`Expired`](crate::Expired) or [`Refreshed`](crate::Refreshed).
///
/// Sealed: nobody else's type is one.
///
/// A state serialises, secrets and all, into any self-describing format (JSON, CBOR, MessagePack):
/// its version first, then which state it is. It says whose it is, and
/// [`Client::resume`] refuses it for another client.
pub trait State:
    fmt::Debug + Serialize + DeserializeOwned + Send + Sync + sealed::Sealed + 'static
{
}

/// A state that has an access token: [`Authorized`](crate::Authorized) or
/// [`Refreshed`](crate::Refreshed). Sealed.
pub trait Live: State + sealed::HasTokens {}

pub(crate) mod sealed {
    use super::{Arc, Client, Error, Origin, TokenSet};

    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Sealed {
        fn origin(&self) -> &Arc<Origin>;
        fn origin_mut(&mut self) -> &mut Arc<Origin>;

        /// That the state is this client's, and not too old.
        fn check(&self, client: &Client) -> Result<(), Error> {
            client.origin().check(self.origin())
        }
    }

    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait HasTokens {
        fn tokens(&self) -> &TokenSet;
        fn into_tokens(self) -> TokenSet;
    }
}
