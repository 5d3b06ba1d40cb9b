//! Which process is which makes no difference: of the states that differ in that alone one is
//! looked at.

use stateright::Representative;

use crate::state::{ATTEMPTS, Request, State};

impl<const N: usize> Representative for State<N> {
    fn representative(&self) -> Self {
        let mut order: [usize; N] = std::array::from_fn(|process| process);
        let keys: [_; N] =
            std::array::from_fn(|process| (self.processes[process], self.traces(process)));
        order.sort_by_key(|process| keys[*process]);
        let mut place = [0; N];
        for (at, process) in order.iter().enumerate() {
            place[*process] = at;
        }
        let renamed = |attempt: u8| {
            let at = place[usize::from(attempt / ATTEMPTS)];
            crate::state::attempt(at, attempt % ATTEMPTS)
        };
        let mut state = self.clone();
        state.processes = order.map(|process| self.processes[process]);
        if let Some(row) = &mut state.record {
            row.attempts.iter_mut().for_each(|it| it.0 = renamed(it.0));
            row.attempts.sort_unstable();
            row.lease = row.lease.map(|it| (renamed(it.0), it.1));
            row.written_by = row.written_by.map(renamed);
        }
        state.flights.iter_mut().for_each(|it| it.attempt = renamed(it.attempt));
        state.flights.sort_unstable();
        for attempt in state.late.iter_mut().filter_map(Request::attempt_mut) {
            *attempt = renamed(*attempt);
        }
        state.late.sort_unstable();
        state
    }
}

impl<const N: usize> State<N> {
    /// What is to be seen of the attempts of a process elsewhere, as bits.
    fn traces(&self, process: usize) -> u32 {
        let mut bits = 0;
        for used in 0..ATTEMPTS {
            let attempt = crate::state::attempt(process, used);
            let row = self.record.as_ref();
            for is_seen in [
                row.is_some_and(|row| row.attempts.iter().any(|it| it.0 == attempt)),
                row.is_some_and(|row| row.lease.is_some_and(|it| it.0 == attempt)),
                row.is_some_and(|row| row.written_by == Some(attempt)),
                self.flights.iter().any(|it| it.attempt == attempt),
                self.late.iter().any(|it| it.attempt() == Some(attempt)),
            ] {
                bits = bits << 1 | u32::from(is_seen);
            }
        }
        bits
    }
}
