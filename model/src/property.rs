//! What has to be true in every state.

use countersign_tokens::protocol::{Refresh, Spending, Step, Swapping};
use countersign_tokens::{AttemptId, GrantState};
use stateright::Model;

use crate::fleet::Fleet;
use crate::state::{Doing, End, Process, State, Token, owner, time};

/// A property: its name, and whether it holds in a state.
pub type Named = (&'static str, fn(&Fleet, &State) -> bool);

/// The properties.
pub const ALL: &[Named] = &[
    // No used refresh token is sent again.
    ("no double spend", |_, state| !state.seen.double_spend),
    // A grant is live, or is reported.
    ("no silent loss: live or reported", |fleet, state| !is_lost_silently(fleet, state)),
    // No token is replaced by an older one.
    ("no older token over a newer one", |_, state| !state.seen.older_over_newer),
    // A grant that was removed or replaced does not come back.
    ("what is removed or replaced does not come back", |_, state| {
        !state.token().is_some_and(|it| state.family(it).is_past)
    }),
    // A grant that is live is not marked `Reauthorize`.
    ("a live grant is not marked Reauthorize", |_, state| !is_marked_when_live(state)),
    // The newest token is not dropped.
    ("the newest answer is not dropped", |_, state| !state.seen.newest_dropped),
    // If the outcome is marked as unknown, an attempt is pending whose answer would settle it.
    ("Unknown has an attempt that explains it", |_, state| {
        let mut unknown = state.record.iter().filter(|it| it.state == GrantState::Unknown);
        unknown.all(|it| !it.attempts.is_empty())
    }),
    // If the outcome is unknown, the token was sent, or its process has died or is at work.
    ("Unknown is what was sent, or is being cleared", is_unknown_for_a_reason),
    // The save that a dead process has on its way is stored whenever it arrives. Checked for strict
    // providers, unless processes report.
    ("a late save of a dead process is stored", |_, state| !state.seen.late_save_died),
    // Some step is left while a process is at work.
    ("nobody is left at work", |fleet, state| !is_stuck(fleet, state)),
];

/// Whether the next process would send a token that the provider refuses, although no user has
/// ended the grant.
fn is_lost_silently(fleet: &Fleet, state: &State) -> bool {
    let Some(record) = &state.record else { return false };
    let Some(token) = Token::of(record) else { return false };
    let has_grace =
        matches!(fleet.rules.spending, Spending::Grace(_)) && !record.attempts.is_empty();
    let is_forbidden = record.state != GrantState::Live
        || record.is_leased(time(state.now))
        || fleet.is_unknown(record, state.clock());
    if is_forbidden || has_grace {
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
fn is_in_hand(state: &State, family: u8) -> bool {
    let hopes_for = |it: &Process| match &it.doing {
        Doing::Refresh(Refresh { step: Step::Swapping(Swapping::Save(_, contents)), .. }) => {
            Token::read(&contents.payload).filter(|it| it.number == state.family(*it).newest)
        }
        _ => it.sending().and_then(|it| Token::of(it.1)),
    };
    state.processes.iter().filter_map(hopes_for).any(|it| it.family == family)
}

fn is_marked_when_live(state: &State) -> bool {
    let marked = state.record.as_ref().filter(|it| it.state == GrantState::Reauthorize);
    marked.and_then(Token::of).is_some_and(|token| {
        let family = state.family(token);
        family.end.is_none() && family.newest == token.number
    })
}

fn is_unknown_for_a_reason(fleet: &Fleet, state: &State) -> bool {
    let Some(record) = &state.record else { return true };
    let has_reason = |id: AttemptId| {
        state.tried.contains(&id) || state.processes[owner(id).0].attempt() == Some(id)
    };
    let mut attempts = record.attempts.iter();
    !fleet.is_unknown(record, state.clock()) || attempts.any(|it| has_reason(it.id))
}

fn is_stuck(fleet: &Fleet, state: &State) -> bool {
    if state.processes.iter().all(|it| it.doing == Doing::Idle) {
        return false;
    }
    let mut actions = Vec::new();
    fleet.actions(state, &mut actions);
    actions.is_empty()
}
