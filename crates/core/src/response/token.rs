use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::expiry::expires_at;
use super::member::Member;
use crate::error::{Error, ErrorKind};
use crate::instant::Millis;
use crate::json;
use crate::provider::Leniency;
use crate::scope::Scopes;
use crate::secret::Text;
use crate::token::{AccessToken, RefreshToken, TokenSet, extra};

/// The members of a successful token answer (RFC 6749 section 5.1), borrowed from its body.
pub(crate) struct TokenAnswer<'a> {
    members: Members<'a>,
    /// There is an `error` in what claims to be a success.
    pub(super) has_error: bool,
    scope_separator: char,
}

impl<'a> TokenAnswer<'a> {
    pub(super) fn parse(body: &'a [u8], scope_separator: char) -> Result<Self, Error> {
        let shape = "one JSON object with each member once";
        let mut members: Members<'a> = json::read(body, shape)?;
        if body.len() > extra::LONGEST_ANSWER {
            members.extra = extra::Members::default();
        }
        Ok(Self::new(members, scope_separator))
    }

    pub(crate) fn new(members: Members<'a>, scope_separator: char) -> Self {
        let has_error = match &members.error {
            Member::Absent => false,
            Member::Text(text) => !text.is_empty(),
            _ => true,
        };
        Self { members, has_error, scope_separator }
    }

    pub(crate) fn check_type(&self, leniency: Leniency) -> Result<(), Error> {
        match &self.members.token_type {
            Member::Text(text) if text.eq_ignore_ascii_case("bearer") => Ok(()),
            Member::Text(text) if !text.is_empty() => Err(malformed(
                "the answer's `token_type` is not `Bearer`, the only one that is known here",
            )),
            Member::Text(_) | Member::Absent if leniency.missing_token_type => Ok(()),
            Member::Text(_) | Member::Absent => Err(malformed(
                "the answer has no `token_type`; where the provider never sends one, allow it in \
                 the provider's leniency",
            )),
            _ => Err(malformed("the answer's `token_type` is not a string")),
        }
    }

    /// The tokens, with their end counted from `requested_at`.
    pub(crate) fn into_set(self, requested_at: Millis) -> Result<TokenSet, Error> {
        let Members { access_token, refresh_token, expires_in, scope, extra, .. } = self.members;
        let access_token = text("access_token", access_token)?
            .ok_or_else(|| malformed("the answer has no `access_token`"))?;
        let refresh_token = text("refresh_token", refresh_token)?;
        Ok(TokenSet {
            access_token: AccessToken::parse(&access_token).map_err(malformed)?,
            refresh_token: refresh_token
                .map(|it| RefreshToken::parse(&it))
                .transpose()
                .map_err(malformed)?,
            scopes: scopes(scope, self.scope_separator),
            requested_at,
            expires_at: expires_at(&expires_in, requested_at),
            extra: extra.into(),
        })
    }

    /// `token_type` as it was sent.
    pub(crate) fn token_type(&self) -> Option<&str> {
        text_of(&self.members.token_type)
    }

    /// `state`, which HelloSign repeats.
    pub(crate) fn state(&self) -> Option<&str> {
        text_of(&self.members.state)
    }

    /// `expires_in` in seconds, as it was sent.
    pub(crate) fn expires_in(&self) -> Option<i64> {
        self.members.expires_in.seconds()
    }
}

/// The members of a token answer, by name.
#[derive(Default)]
pub(crate) struct Members<'a> {
    access_token: Member<'a>,
    token_type: Member<'a>,
    refresh_token: Member<'a>,
    expires_in: Member<'a>,
    scope: Member<'a>,
    state: Member<'a>,
    error: Member<'a>,
    extra: extra::Members,
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        let mut seen = [false; KNOWN];
        while let Some(name) = object.next_key::<Name>()? {
            let (index, slot) = match name {
                Name::AccessToken => (0, &mut members.access_token),
                Name::TokenType => (1, &mut members.token_type),
                Name::RefreshToken => (2, &mut members.refresh_token),
                Name::ExpiresIn => (3, &mut members.expires_in),
                Name::Scope => (4, &mut members.scope),
                Name::State => (5, &mut members.state),
                Name::Error => (6, &mut members.error),
                Name::Other(name) => {
                    members.extra.insert(name, object.next_value::<Value>()?);
                    continue;
                }
            };
            // Two values for one name is how two readers of one answer come to differ.
            if std::mem::replace(&mut seen[index], true) {
                return Err(A::Error::custom("a member twice"));
            }
            *slot = object.next_value()?;
        }
        Ok(members)
    }
}

const KNOWN: usize = 7;

enum Name {
    AccessToken,
    TokenType,
    RefreshToken,
    ExpiresIn,
    Scope,
    State,
    Error,
    Other(String),
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(match name {
            "access_token" => Name::AccessToken,
            "token_type" => Name::TokenType,
            "refresh_token" => Name::RefreshToken,
            "expires_in" => Name::ExpiresIn,
            "scope" => Name::Scope,
            "state" => Name::State,
            "error" => Name::Error,
            other => Name::Other(other.to_owned()),
        })
    }
}

fn text<'a>(name: &str, member: Member<'a>) -> Result<Option<Text<'a>>, Error> {
    member
        .text()
        .map_err(|what| malformed(format!("the answer's `{name}` is {what}, not a string")))
}

fn text_of<'a>(member: &'a Member<'_>) -> Option<&'a str> {
    match member {
        Member::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// A string or an array of strings; nothing, or nothing readable, counts as absent.
fn scopes(member: Member<'_>, separator: char) -> Option<Scopes> {
    match member {
        Member::Text(text) if !text.is_empty() => Some(Scopes::parse(&text, separator)),
        Member::Texts(texts) if !texts.is_empty() => {
            Some(Scopes::parse(&texts.join(" "), separator))
        }
        _ => None,
    }
}

fn malformed(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::ResponseMalformed, message)
}
