//! The grants of a race: approved at the sandbox, and put into the store.

use std::sync::Arc;

use countersign::{Binding, Callback, Client, Provider, Rotation};
use countersign_sandbox::{Config, Sandbox};
use countersign_tokens::{Epoch, Forget, GrantKey, GrantStore, TokenManager, TokioExecutor};

use crate::Outcome;
use crate::args::{Args, Rotate};
use crate::limits::Limits;
use crate::worker::subject;

/// A sandbox that rotates as the arguments say, and the provider that it is to its clients. The
/// name keeps the grants of one race apart from whatever else a store has.
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

/// A grant of each of so many accounts.
pub(crate) async fn adopt(
    sandbox: &Sandbox,
    client: &Client,
    store: Arc<dyn GrantStore>,
    grants: usize,
) -> Outcome<Vec<GrantKey>> {
    let browser = Binding::session("the race");
    let store = crate::counted::Counted::new(store, &[]);
    let tokens =
        TokenManager::builder(client.clone(), store).executor(TokioExecutor::current()?).build()?;
    let mut keys = Vec::new();
    for grant in 0..grants {
        let flow = client.authorize(&browser).begin()?;
        let account = format!("{}@race.example", subject(grant));
        let callback = sandbox.approve_as(&account, flow.authorization_url())?;
        let flow = flow.complete(&Callback::from_url(callback)?, &browser).await?;
        let key = tokens.key(&subject(grant))?;
        tokens.adopt(&key, flow.into_tokens()).await?;
        keys.push(key);
    }
    Ok(keys)
}

/// Leaves nothing of the race in the store.
pub(crate) async fn clean(store: &dyn GrantStore, keys: &[GrantKey]) -> Outcome {
    for key in keys {
        let Some(record) = store.load(key).await? else { continue };
        let forget = Forget { epoch: record.epoch, tombstone: Epoch::random()? };
        store.forget(key, &forget).await?;
        store.purge(key, forget.tombstone).await?;
    }
    Ok(())
}
