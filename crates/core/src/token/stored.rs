//! The stored form of a [`TokenSet`], secrets included: `#[serde(with = "…")]` of the states.

use secrecy::ExposeSecret;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{AccessToken, Extra, RefreshToken, TokenSet};
use crate::instant::Millis;
use crate::scope::Scopes;
use crate::secret::StoredSecret;

#[derive(Serialize)]
struct Written<'a> {
    access_token: &'a str,
    refresh_token: Option<&'a str>,
    scopes: Option<&'a Scopes>,
    requested_at: Millis,
    expires_at: Option<Millis>,
    extra: &'a Extra,
}

#[derive(Deserialize)]
struct Read {
    access_token: StoredSecret,
    refresh_token: Option<StoredSecret>,
    scopes: Option<Scopes>,
    requested_at: Millis,
    expires_at: Option<Millis>,
    #[serde(default)]
    extra: Extra,
}

pub(crate) fn serialize<S: Serializer>(tokens: &TokenSet, to: S) -> Result<S::Ok, S::Error> {
    let written = Written {
        access_token: tokens.access_token.expose_secret(),
        refresh_token: tokens.refresh_token.as_ref().map(ExposeSecret::expose_secret),
        scopes: tokens.scopes.as_ref(),
        requested_at: tokens.requested_at,
        expires_at: tokens.expires_at,
        extra: &tokens.extra,
    };
    written.serialize(to)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TokenSet, D::Error> {
    let read = Read::deserialize(from)?;
    let access_token = AccessToken::parse(read.access_token.0.expose_secret());
    let refresh_token =
        read.refresh_token.map(|token| RefreshToken::parse(token.0.expose_secret()));
    Ok(TokenSet {
        access_token: access_token.map_err(D::Error::custom)?,
        refresh_token: refresh_token.transpose().map_err(D::Error::custom)?,
        scopes: read.scopes,
        requested_at: read.requested_at,
        expires_at: read.expires_at,
        extra: read.extra,
    })
}

/// The stored form of a refresh token alone, for a flow whose access token has ended.
pub(crate) mod refresh_token {
    use super::{
        Deserialize, Deserializer, ExposeSecret, RefreshToken, Serialize, Serializer, StoredSecret,
    };
    use serde::de::Error as _;

    pub(crate) fn serialize<S: Serializer>(
        token: &Option<RefreshToken>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        token.as_ref().map(ExposeSecret::expose_secret).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<RefreshToken>, D::Error> {
        let read = Option::<StoredSecret>::deserialize(from)?;
        let token = read.map(|token| RefreshToken::parse(token.0.expose_secret()));
        token.transpose().map_err(D::Error::custom)
    }
}
