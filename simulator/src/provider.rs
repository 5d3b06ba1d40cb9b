//! The provider: what its refresh tokens and access tokens are worth. Tokens are numbers.

use countersign_core::Rotation;

use crate::executor::Micros;
use crate::settings::micros;

/// The number of a grant, from 0.
pub(crate) type Grant = usize;

pub(crate) struct Provider {
    rotation: Rotation,
    /// Whether all answers to one refresh token stay good, or the last alone.
    keeps_siblings: bool,
    lifetime: Micros,
    families: Vec<Family>,
    refresh_tokens: Vec<RefreshToken>,
    access_tokens: Vec<AccessToken>,
    pub(crate) refreshes: u64,
}

/// What began with one consent of a user.
struct Family {
    grant: Grant,
    end: Option<End>,
}

/// Why a family has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The user or a client revoked it.
    Revoked,
    /// A spent refresh token was sent.
    DoubleSpend,
}

struct RefreshToken {
    family: usize,
    parent: Option<usize>,
    used_at: Option<Micros>,
    is_child_used: bool,
    /// The last answer to it.
    child: Option<usize>,
}

struct AccessToken {
    family: usize,
    ends: Micros,
}

/// The tokens of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens {
    pub(crate) access: usize,
    pub(crate) refresh: usize,
}

/// What the provider makes of a refresh token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verdict {
    Refreshed(Tokens),
    Refused,
    /// The refresh token of this grant was spent before.
    DoubleSpend(Grant),
}

impl Provider {
    pub(crate) fn new(rotation: Rotation, keeps_siblings: bool, lifetime: Micros) -> Self {
        Self {
            rotation,
            keeps_siblings,
            lifetime,
            families: Vec::new(),
            refresh_tokens: Vec::new(),
            access_tokens: Vec::new(),
            refreshes: 0,
        }
    }

    /// A user consents.
    pub(crate) fn consent(&mut self, grant: Grant, now: Micros) -> Tokens {
        self.families.push(Family { grant, end: None });
        let family = self.families.len() - 1;
        let refresh = self.new_refresh_token(family, None);
        Tokens { access: self.new_access_token(family, now), refresh }
    }

    fn new_refresh_token(&mut self, family: usize, parent: Option<usize>) -> usize {
        let number = self.refresh_tokens.len();
        if let Some(parent) = parent.and_then(|it| self.refresh_tokens.get_mut(it)) {
            parent.child = Some(number);
        }
        let token =
            RefreshToken { family, parent, used_at: None, is_child_used: false, child: None };
        self.refresh_tokens.push(token);
        number
    }

    fn new_access_token(&mut self, family: usize, now: Micros) -> usize {
        self.access_tokens.push(AccessToken { family, ends: now + self.lifetime });
        self.access_tokens.len() - 1
    }

    pub(crate) fn refresh(&mut self, number: usize, now: Micros) -> Verdict {
        let rotation = self.rotation;
        let Some(token) = self.refresh_tokens.get_mut(number) else { return Verdict::Refused };
        let (family, parent) = (token.family, token.parent);
        let is_allowed = match (token.used_at, rotation) {
            (None, _) | (_, Rotation::Never) => true,
            (Some(used), Rotation::Grace { window, ends_when_child_used }) => {
                now <= used + micros(window) && !(ends_when_child_used && token.is_child_used)
            }
            (Some(_), _) => false,
        };
        let Some(of) = self.families.get_mut(family) else { return Verdict::Refused };
        if !is_allowed {
            of.end.get_or_insert(End::DoubleSpend);
            return Verdict::DoubleSpend(of.grant);
        }
        if of.end.is_some() || self.is_void(number) {
            return Verdict::Refused;
        }
        let Some(token) = self.refresh_tokens.get_mut(number) else { return Verdict::Refused };
        token.used_at.get_or_insert(now);
        if let Some(parent) = parent.and_then(|it| self.refresh_tokens.get_mut(it)) {
            parent.is_child_used = true;
        }
        self.refreshes += 1;
        let refresh = match rotation {
            Rotation::Never => number,
            _ => self.new_refresh_token(family, Some(number)),
        };
        Verdict::Refreshed(Tokens { access: self.new_access_token(family, now), refresh })
    }

    /// Ends the family of a refresh token.
    pub(crate) fn revoke(&mut self, number: usize) {
        let family = self.refresh_tokens.get(number).map(|token| token.family);
        if let Some(family) = family.and_then(|it| self.families.get_mut(it)) {
            family.end.get_or_insert(End::Revoked);
        }
    }

    /// Ends the family of an access token.
    pub(crate) fn revoke_access_token(&mut self, number: usize) {
        let family = self.access_tokens.get(number).map(|token| token.family);
        if let Some(family) = family.and_then(|it| self.families.get_mut(it)) {
            family.end.get_or_insert(End::Revoked);
        }
    }

    /// Returns when an access token began and when it ends.
    pub(crate) fn times_of(&self, number: usize) -> (Micros, Micros) {
        let end = self.access_tokens.get(number).map_or(0, |token| token.ends);
        (end.saturating_sub(self.lifetime), end)
    }

    /// Returns whether the API takes an access token.
    pub(crate) fn serves(&self, number: usize, now: Micros) -> bool {
        let token = self.access_tokens.get(number).filter(|token| now < token.ends);
        token.and_then(|it| self.families.get(it.family)).is_some_and(|it| it.end.is_none())
    }

    /// Returns why the family of a refresh token has ended, if it has.
    pub(crate) fn end_of_family(&self, number: usize) -> Option<End> {
        let token = self.refresh_tokens.get(number)?;
        self.families.get(token.family)?.end
    }

    /// Returns the refresh token of which this one is the answer, if it is void because there was
    /// another answer.
    pub(crate) fn void_parent(&self, number: usize) -> Option<usize> {
        let parent = self.refresh_tokens.get(number)?.parent?;
        let child = self.refresh_tokens.get(parent)?.child;
        (!self.keeps_siblings && child != Some(number)).then_some(parent)
    }

    fn is_void(&self, number: usize) -> bool {
        self.void_parent(number).is_some()
    }

    /// Returns whether a refresh token is as good as new.
    pub(crate) fn is_unspent(&self, number: usize) -> bool {
        let token = self.refresh_tokens.get(number);
        let is_unused = token.is_some_and(|it| it.used_at.is_none());
        (is_unused || self.rotation == Rotation::Never)
            && self.end_of_family(number).is_none()
            && !self.is_void(number)
    }
}

impl Tokens {
    pub(crate) fn access_token(self) -> String {
        format!("at-{}", self.access)
    }

    pub(crate) fn refresh_token(self) -> String {
        format!("rt-{}", self.refresh)
    }
}

/// Returns the numbers of the tokens with this prefix, in order.
pub(crate) fn tokens_in<'a>(text: &'a [u8], prefix: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let starts = text.windows(prefix.len()).enumerate();
    starts.filter(move |(_, window)| *window == prefix).map(move |(at, _)| {
        let digits = text.get(at + prefix.len()..).unwrap_or_default();
        let digits = digits.iter().take_while(|it| it.is_ascii_digit());
        digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
    })
}

pub(crate) const ACCESS: &[u8] = b"at-";
pub(crate) const REFRESH: &[u8] = b"rt-";
