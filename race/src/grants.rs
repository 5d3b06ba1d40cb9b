//! The grants of a race: users approve them at the sandbox, and the store gets them.

use std::sync::Arc;

use countersign::{Binding, Callback, Client, Provider, Rotation};
use countersign_sandbox::{Config, Sandbox};
use countersign_tokens::{Epoch, GrantKey, GrantStore, Swap};

use crate::Outcome;
use crate::args::{Args, Rotate};
use crate::counted::Counted;
use crate::limits::Limits;
use crate::store::Place;
use crate::worker::subject;

/// Starts a sandbox that rotates as the arguments say. Also returns the provider that the sandbox
/// is to its clients. The name of the provider separates the grants of this race from whatever else
/// the store has.
pub(crate) async fn sandbox(args: &Args, limits: Limits) -> Outcome<(Sandbox, Provider)> {
    let window = limits.grace(args);
    let (config, rotation) = match args.rotate {
        Rotate::Never => (Config::hellosign(), Rotation::Never),
        Rotate::Strict => (Config::rfc6749(), Rotation::Strict),
        Rotate::Grace => (
            Config::rfc6749().rotation(countersign_sandbox::Rotation::Grace { window }),
            Rotation::Grace { window, ends_when_child_used: true },
        ),
    };
    let sandbox = Sandbox::start(config.access_token_lifetime(limits.life(args))).await?;
    let provider = if args.rotate == Rotate::Never {
        Provider::hellosign().with_origin(sandbox.origin())
    } else {
        Provider::rfc6749(sandbox.authorization_url(), sandbox.token_url())
            .with_issuer(sandbox.origin(), true)
    };
    let name = format!("race-{}", Epoch::random()?);
    Ok((sandbox, provider.with_rotation(rotation).with_name(name)))
}

/// Inserts a grant of each of so many accounts.
pub(crate) async fn insert(
    sandbox: &Sandbox,
    client: &Client,
    place: &Place,
    store: Arc<dyn GrantStore>,
    grants: usize,
) -> Outcome<Vec<GrantKey>> {
    let browser = Binding::session("the race");
    let tokens = place.manager(client.clone(), Counted::new(store, &[]))?.build()?;
    let mut keys = Vec::new();
    for grant in 0..grants {
        let flow = client.authorize(&browser).begin()?;
        let account = format!("{}@race.example", subject(grant));
        let callback = sandbox.approve_as(&account, flow.authorization_url())?;
        let flow = flow.complete(&Callback::from_url(callback)?, &browser).await?;
        let key = tokens.key(&subject(grant))?;
        tokens.insert(&key, flow.into_tokens()).await?;
        keys.push(key);
    }
    Ok(keys)
}

/// Removes the grants of the race from the store.
pub(crate) async fn clean(store: &dyn GrantStore, keys: &[GrantKey]) -> Outcome {
    for key in keys {
        let mut present = store.load(key).await?.record;
        while let Some(record) = present {
            present = match store.swap(key, Some(record.version), None).await? {
                Swap::Done(_) => None,
                Swap::Conflict(found) => found.record,
            };
        }
    }
    Ok(())
}
