//! What follows from how the provider rotates refresh tokens.

use countersign_core::Rotation;

use super::Inner;
use crate::store::Takeover;

impl Inner {
    /// Whether a refresh spends the refresh token.
    pub(super) fn spends(&self) -> bool {
        self.client.provider().rotation != Rotation::Never
    }

    pub(super) fn has_grace(&self) -> bool {
        matches!(self.client.provider().rotation, Rotation::Grace { .. })
    }

    /// What is made of the intents of others, by how the provider rotates.
    pub(super) fn takeover(&self) -> Takeover {
        match self.client.provider().rotation {
            Rotation::Never => Takeover::Always,
            Rotation::Grace { window, .. } => {
                Takeover::Within(window.saturating_sub(self.time_to_arrive()))
            }
            _ => Takeover::Never,
        }
    }
}
