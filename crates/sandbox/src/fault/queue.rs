//! Faults that wait for their request.

use super::{Fault, Injection};
use crate::count::RequestKind;

/// In the order in which they were queued.
#[derive(Default)]
pub(crate) struct FaultQueue {
    waiting: Vec<Injection>,
}

impl FaultQueue {
    pub(crate) fn push(&mut self, injection: Injection) {
        if injection.times > 0 {
            self.waiting.push(injection);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// The first fault for this kind of request, one time less afterwards.
    pub(crate) fn take(&mut self, kind: RequestKind) -> Option<Fault> {
        let index = self.waiting.iter().position(|injection| injection.on.covers(kind))?;
        let injection = self.waiting.get_mut(index)?;
        injection.times -= 1;
        let fault = injection.fault.clone();
        if injection.times == 0 {
            self.waiting.remove(index);
        }
        Some(fault)
    }

    pub(crate) fn waiting(&self) -> &[Injection] {
        &self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Target, When};

    const RESET: Fault = Fault::Reset { when: When::Before };

    #[test]
    fn faults_strike_in_order_and_so_often() {
        let mut queue = FaultQueue::default();
        queue.push(RESET.times(2));
        queue.push(Fault::Truncated.into());
        queue.push(Fault::Truncated.times(0));
        let kind = RequestKind::Account;
        assert_eq!(queue.take(kind), Some(RESET));
        assert_eq!(queue.take(kind), Some(RESET));
        assert_eq!(queue.take(kind), Some(Fault::Truncated));
        assert_eq!(queue.take(kind), None);
    }

    #[test]
    fn a_fault_waits_for_its_kind() {
        let mut queue = FaultQueue::default();
        queue.push(RESET.on(Target::TokenRefresh));
        assert_eq!(queue.take(RequestKind::TokenGenerate), None);
        assert_eq!(queue.take(RequestKind::Trap), None);
        assert_eq!(queue.take(RequestKind::TokenRefresh), Some(RESET));
    }

    #[test]
    fn the_trap_is_never_faulty() {
        let mut queue = FaultQueue::default();
        queue.push(RESET.into());
        assert_eq!(queue.take(RequestKind::Trap), None);
        assert_eq!(queue.waiting().len(), 1);
    }
}
