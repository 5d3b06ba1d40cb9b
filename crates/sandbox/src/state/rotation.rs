//! What a refresh token that is presented means under each rotation policy.

use crate::clock::SinceEpoch;
use crate::config::Rotation;

/// What to do about a refresh token that belongs to a live grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Answer with the same refresh token.
    Keep,
    /// Answer with a new one.
    Rotate,
    /// It was just replaced: answer with its successor once more.
    Repeat,
    /// It is old. Someone else may have it: revoke the grant.
    Reused,
}

/// Which of a grant's refresh tokens was presented, and when the current one came to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presented {
    pub(super) generation: u64,
    pub(super) current: u64,
    pub(super) rotated_at: SinceEpoch,
    pub(super) now: SinceEpoch,
}

impl Presented {
    pub(super) fn judge(self, rotation: Rotation) -> Verdict {
        if self.generation == self.current {
            return match rotation {
                Rotation::Never => Verdict::Keep,
                Rotation::Strict | Rotation::Grace { .. } => Verdict::Rotate,
            };
        }
        match rotation {
            Rotation::Grace { window }
                if self.generation + 1 == self.current
                    && self.now < self.rotated_at.saturating_add(window) =>
            {
                Verdict::Repeat
            }
            _ => Verdict::Reused,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const GRACE: Rotation = Rotation::Grace { window: Duration::from_secs(10) };

    fn presented(generation: u64, now: u64) -> Presented {
        Presented {
            generation,
            current: 2,
            rotated_at: Duration::from_secs(100),
            now: Duration::from_secs(now),
        }
    }

    #[test]
    fn the_current_token_rotates_unless_told_never() {
        assert_eq!(presented(2, 100).judge(Rotation::Never), Verdict::Keep);
        assert_eq!(presented(2, 100).judge(Rotation::Strict), Verdict::Rotate);
        assert_eq!(presented(2, 100).judge(GRACE), Verdict::Rotate);
    }

    #[test]
    fn an_old_token_is_reuse() {
        assert_eq!(presented(1, 100).judge(Rotation::Strict), Verdict::Reused);
        assert_eq!(presented(0, 100).judge(GRACE), Verdict::Reused);
    }

    #[test]
    fn the_last_one_repeats_until_its_window_has_passed() {
        assert_eq!(presented(1, 109).judge(GRACE), Verdict::Repeat);
        assert_eq!(presented(1, 110).judge(GRACE), Verdict::Reused);
    }
}
