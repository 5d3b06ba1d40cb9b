//! The users.

use std::collections::HashMap;

/// Users by e-mail address.
#[derive(Default)]
pub(crate) struct Accounts {
    by_email: HashMap<String, Account>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) account_id: String,
    /// A user who was created through the API has yet to confirm.
    pub(crate) confirmed: bool,
}

impl Accounts {
    pub(crate) fn get(&self, email: &str) -> Option<&Account> {
        self.by_email.get(email)
    }

    /// Someone who signs in on the consent page; a first visit opens the account.
    pub(crate) fn sign_in(&mut self, email: &str, new_id: String) {
        self.by_email
            .entry(email.to_owned())
            .or_insert(Account { account_id: new_id, confirmed: false })
            .confirmed = true;
    }

    /// Opens an account that is not confirmed. `None` if there is one with this address.
    pub(crate) fn create(&mut self, email: &str, new_id: String) -> Option<&Account> {
        if self.by_email.contains_key(email) {
            return None;
        }
        let account = Account { account_id: new_id, confirmed: false };
        Some(self.by_email.entry(email.to_owned()).or_insert(account))
    }

    /// The user follows the link in the vendor's mail. `false` if there is no such account.
    pub(crate) fn confirm(&mut self, email: &str) -> bool {
        self.by_email.get_mut(email).map(|account| account.confirmed = true).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_created_account_waits_for_its_user() {
        let mut accounts = Accounts::default();
        assert!(accounts.create("a@b.example", "1".into()).is_some_and(|a| !a.confirmed));
        assert!(accounts.create("a@b.example", "2".into()).is_none());
        assert!(accounts.confirm("a@b.example"));
        assert!(accounts.get("a@b.example").is_some_and(|a| a.confirmed && a.account_id == "1"));
        assert!(!accounts.confirm("c@d.example"));
    }

    #[test]
    fn signing_in_confirms_and_keeps_the_id() {
        let mut accounts = Accounts::default();
        accounts.create("a@b.example", "1".into());
        accounts.sign_in("a@b.example", "2".into());
        assert!(accounts.get("a@b.example").is_some_and(|a| a.confirmed && a.account_id == "1"));
    }
}
