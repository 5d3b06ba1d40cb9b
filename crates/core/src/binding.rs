//! Tying a flow to the browser, or the process, that began it.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{random, secret};

/// Who began a flow, so that nobody else can complete it.
///
/// An unguessable `state` alone does not stop an attacker from beginning a flow of their own and
/// handing the callback to a victim, whose session would then hold the attacker's account (RFC
/// 6749 section 10.12; the same mistake was CVE-2025-68158 and CVE-2025-14546). The flow therefore
/// keeps a hash of what identifies the browser that began it, and a callback that arrives with
/// another `Binding` is refused before anything is sent.
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::Binding;
///
/// let web = Binding::session("the id of the browser's session, unguessable");
/// let cli = Binding::this_process();
/// # let _ = (web, cli);
/// ```
#[derive(Clone)]
pub struct Binding(Kind);

#[derive(Clone)]
enum Kind {
    Bound([u8; 32]),
    Empty,
    Unbound,
}

impl Binding {
    /// The browser that holds this session: pass what identifies it and only it, such as the id in
    /// its session cookie. Only a hash is kept.
    ///
    /// An empty id identifies nobody: a flow refuses to begin with it.
    #[must_use]
    pub fn session(id: impl AsRef<[u8]>) -> Self {
        let id = id.as_ref();
        if id.is_empty() { Self(Kind::Empty) } else { Self(Kind::Bound(digest(b"session", id))) }
    }

    /// This running process: for a command-line program that begins and completes a flow in one
    /// run. A flow that is resumed in another process is refused.
    #[must_use]
    pub fn this_process() -> Self {
        static PROCESS: LazyLock<[u8; 32]> = LazyLock::new(|| {
            // The standard library seeds `RandomState` from the operating system and cannot fail.
            let mut seed = [0_u8; 32];
            for chunk in seed.chunks_mut(8) {
                let random = RandomState::new().build_hasher().finish();
                chunk.copy_from_slice(&random.to_ne_bytes()[..chunk.len()]);
            }
            digest(b"process", &seed)
        });
        Self(Kind::Bound(*PROCESS))
    }

    /// Ties the flow to nobody: whoever brings the callback completes it.
    ///
    /// This gives up the protection against login cross-site request forgery that this type is
    /// for. A flow begun unbound has to be completed with an unbound `Binding` too, and one that
    /// was begun with a session cannot be completed with this.
    #[must_use]
    pub fn danger_unbound() -> Self {
        Self(Kind::Unbound)
    }

    /// What a flow keeps of it, or nothing when it identifies nobody.
    pub(crate) fn stored(&self) -> Option<StoredBinding> {
        match self.0 {
            Kind::Bound(digest) => Some(StoredBinding(digest)),
            Kind::Unbound => Some(StoredBinding(UNBOUND)),
            Kind::Empty => None,
        }
    }

    /// Whether this is the binding that a flow was begun with, in constant time.
    pub(crate) fn matches(&self, stored: &StoredBinding) -> bool {
        match &self.0 {
            Kind::Bound(digest) => secret::same(digest, &stored.0),
            Kind::Unbound => secret::same(&UNBOUND, &stored.0),
            Kind::Empty => false,
        }
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Bound(_) => "Binding(bound)",
            Kind::Empty => "Binding(empty)",
            Kind::Unbound => "Binding(unbound)",
        })
    }
}

/// The hash that a flow keeps.
#[derive(Clone, Copy)]
pub(crate) struct StoredBinding([u8; 32]);

impl Serialize for StoredBinding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(random::as_str(&random::encode(&self.0)))
    }
}

impl<'de> Deserialize<'de> for StoredBinding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(D::Error::custom)?;
        let digest = bytes.try_into().map_err(|_| D::Error::custom("a binding is 32 bytes"))?;
        Ok(Self(digest))
    }
}

/// No session hashes to this: it would take a preimage of zero.
const UNBOUND: [u8; 32] = [0; 32];

fn digest(kind: &[u8], value: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"countersign binding\0");
    hasher.update(kind);
    hasher.update([0]);
    hasher.update(value);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::Binding;

    #[test]
    fn only_the_same_binding_matches() {
        let stored = |binding: &Binding| binding.stored().expect("identifies someone");
        let alice = Binding::session("alice");
        let bob = Binding::session("bob");
        let process = Binding::this_process();
        let unbound = Binding::danger_unbound();
        for (index, one) in [&alice, &bob, &process, &unbound].iter().enumerate() {
            for (other_index, other) in [&alice, &bob, &process, &unbound].iter().enumerate() {
                assert_eq!(one.matches(&stored(other)), index == other_index);
            }
        }
    }

    #[test]
    fn an_empty_session_identifies_nobody() {
        let empty = Binding::session("");
        assert!(empty.stored().is_none());
        assert!(!empty.matches(&Binding::danger_unbound().stored().expect("a fixed value")));
    }
}
