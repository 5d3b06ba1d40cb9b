//! What has to be true, whatever happens.

use countersign_tokens::GrantState;
use stateright::{Model, Property};

use crate::fleet::Fleet;
use crate::state::{ATTEMPTS, Doing, End, State};

/// A spent refresh token is not sent again.
pub const NO_DOUBLE_SPEND: &str = "no double spend";
/// A grant is live, or whoever asks for it is told that it is not.
pub const NO_SILENT_LOSS: &str = "no silent loss: live or reported";
/// A token is never replaced by an older one.
pub const NO_OLDER_TOKEN: &str = "no older token over a newer one";
/// What was forgotten or replaced does not come back.
pub const NOTHING_COMES_BACK: &str = "what is forgotten or replaced does not come back";
/// A grant that is live is not marked as one that the user has to be asked for.
pub const NOT_MARKED_WHEN_LIVE: &str = "a live grant is not marked Reauthorize";
/// The newest token is not thrown away.
pub const NOTHING_DROPPED: &str = "the newest answer is not dropped";
/// Where the outcome is unknown there is somebody whose answer would settle it.
pub const UNKNOWN_HAS_A_CAUSE: &str = "Unknown has an intent that explains it";
/// What is taken for spent was sent, unless somebody died or is about to take it back.
pub const UNKNOWN_FOR_A_REASON: &str = "Unknown is what was sent, or is taken back";
/// Nobody waits for ever.
pub const EVERY_RUN_ENDS: &str = "nobody is left at work";

pub(crate) fn all<const N: usize>() -> Vec<Property<Fleet<N>>> {
    vec![
        Property::always(NO_DOUBLE_SPEND, |_, state: &State<N>| !state.seen.double_spend),
        Property::always(NO_SILENT_LOSS, |_, state: &State<N>| !is_lost_silently(state)),
        Property::always(NO_OLDER_TOKEN, |_, state: &State<N>| !state.seen.older_over_newer),
        Property::always(NOTHING_COMES_BACK, |_, state: &State<N>| !has_come_back(state)),
        Property::always(NOT_MARKED_WHEN_LIVE, |_, state: &State<N>| !is_marked_when_live(state)),
        Property::always(NOTHING_DROPPED, |_, state: &State<N>| !state.seen.newest_dropped),
        Property::always(UNKNOWN_HAS_A_CAUSE, |_, state: &State<N>| {
            !is_unknown_without_cause(state)
        }),
        Property::always(UNKNOWN_FOR_A_REASON, |_, state: &State<N>| {
            !is_unknown_without_reason(state)
        }),
        Property::always(EVERY_RUN_ENDS, |fleet, state: &State<N>| !is_stuck(fleet, state)),
    ]
}

/// Whoever asks next would send a token that the provider does not take, which nobody has spoiled
/// but us.
fn is_lost_silently<const N: usize>(state: &State<N>) -> bool {
    let Some(row) = &state.record else { return false };
    let Some(token) = row.token else { return false };
    if row.state != GrantState::Live || !row.attempts.is_empty() {
        return false;
    }
    let family = state.family(token);
    match family.end {
        Some(End::Withdrawn) => false,
        Some(End::Killed) => true,
        None => token.number != family.newest && !is_in_hand(state, token.family),
    }
}

/// Whether a process has the newest token of a family, or waits for it.
fn is_in_hand<const N: usize>(state: &State<N>, family: u8) -> bool {
    state.processes.iter().any(|it| match it.doing {
        Doing::Save { fresh, .. } | Doing::Renew { fresh, .. } => {
            fresh.family == family && fresh.number == state.family(fresh).newest
        }
        Doing::Wait { read, .. } => read.token.family == family,
        _ => false,
    })
}

fn has_come_back<const N: usize>(state: &State<N>) -> bool {
    let token = state.record.as_ref().and_then(|row| row.token);
    token.is_some_and(|it| state.family(it).is_past)
}

fn is_marked_when_live<const N: usize>(state: &State<N>) -> bool {
    let marked = state.record.as_ref().filter(|row| row.state == GrantState::Reauthorize);
    marked.and_then(|row| row.token).is_some_and(|token| {
        let family = state.family(token);
        family.end.is_none() && family.newest == token.number
    })
}

fn is_unknown_without_cause<const N: usize>(state: &State<N>) -> bool {
    let row = state.record.as_ref();
    row.is_some_and(|row| row.state == GrantState::Unknown && row.attempts.is_empty())
}

fn is_unknown_without_reason<const N: usize>(state: &State<N>) -> bool {
    let unknown = state.record.as_ref().filter(|row| row.state == GrantState::Unknown);
    let is_for_nothing = |attempt: u8| {
        let (process, used) =
            (&state.processes[usize::from(attempt / ATTEMPTS)], attempt % ATTEMPTS);
        let is_at_it = process.used == used && process.doing != Doing::Idle;
        !process.tried.has(used) && !process.strays.has(used) && !is_at_it
    };
    unknown.is_some_and(|row| row.attempts.iter().all(|it| is_for_nothing(it.0)))
}

fn is_stuck<const N: usize>(fleet: &Fleet<N>, state: &State<N>) -> bool {
    if state.processes.iter().all(|it| it.doing == Doing::Idle) {
        return false;
    }
    let mut actions = Vec::new();
    fleet.actions(state, &mut actions);
    actions.is_empty()
}
