//! Keeping a lease, and letting go of it.

use countersign_tokens::{Record, Takeover};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::steps::{LEASE, accepted, attempt, epoch, refused};
use crate::verdict::hold;

/// From now on, by the store's clock.
pub fn renew_extends_a_lease(at: &Judged<'_>) -> Verdict {
    let (read, holder) = (at.adopt()?, attempt()?);
    accepted(at.begin(holder, Takeover::Never)?)?;
    at.advance(LEASE / 2);
    accepted(at.renew(&read, holder, LEASE)?)?;
    at.advance(LEASE * 3 / 4);
    hold!(at.load()?.live_lease().is_some(), "it ran out all the same");
    refused(at.begin(attempt()?, Takeover::Always)?, "begin under a renewed lease")?;
    Ok(())
}

/// Not for others, nor in another life.
pub fn renew_is_for_the_holder(at: &Judged<'_>) -> Verdict {
    let (read, holder) = (at.adopt()?, attempt()?);
    refused(at.renew(&read, holder, LEASE)?, "the renewal of no lease")?;
    accepted(at.begin(holder, Takeover::Never)?)?;
    refused(at.renew(&read, attempt()?, LEASE)?, "the renewal of another's lease")?;
    let foreign = Record { epoch: epoch()?, ..read };
    refused(at.renew(&foreign, holder, LEASE)?, "a renewal in another epoch")?;
    Ok(())
}

/// Somebody may have begun since.
pub fn a_lease_that_ran_out_is_not_renewed(at: &Judged<'_>) -> Verdict {
    let (read, holder) = (at.adopt()?, attempt()?);
    accepted(at.begin(holder, Takeover::Never)?)?;
    at.lapse();
    refused(at.renew(&read, holder, LEASE)?, "the renewal of a lease that ran out")?;
    Ok(())
}

/// Letting go does not say that nothing was sent.
pub fn renew_to_nothing_releases_and_leaves_the_intent(at: &Judged<'_>) -> Verdict {
    let (read, holder) = (at.adopt()?, attempt()?);
    accepted(at.begin(holder, Takeover::Never)?)?;
    accepted(at.renew(&read, holder, std::time::Duration::ZERO)?)?;
    let record = at.load()?;
    hold!(record.live_lease().is_none(), "the lease stands: {:?}", record.lease);
    hold!(record.attempts.iter().map(|it| it.id).eq([holder]), "intents: {:?}", record.attempts);
    refused(at.begin(attempt()?, Takeover::Never)?, "begin over an intent")?;
    accepted(at.begin(attempt()?, Takeover::Within(LEASE))?)?;
    Ok(())
}
