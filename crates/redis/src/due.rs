//! Listing what is due, of all buckets.

use std::pin::Pin;
use std::task::Poll;

use countersign_tokens::{Due, DuePage, StoreError, StoreTime};
use redis::Value;

use crate::RedisStore;
use crate::reply;
use crate::script;

/// More than a page can be.
const MOST: usize = 1 << 31;

type Listing<'a> = Pin<Box<dyn Future<Output = Result<Vec<Value>, StoreError>> + Send + 'a>>;

impl RedisStore {
    /// One server merges the lists itself. The nodes of a cluster are asked for each bucket, all
    /// at the same time.
    pub(crate) async fn list_due(
        &self,
        within: &str,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let limit = limit.min(MOST);
        let (due_at, key) = match after {
            Some(due) => (due.due_at.as_millis().to_string(), due.key.as_str()),
            None => (String::new(), ""),
        };
        let limit_text = limit.to_string();
        let arguments = [within, &limit_text, &due_at, key].map(|it| it.as_bytes().to_vec());
        let lists = self.prefix.lists();
        let at_once = if self.connection.is_one_server() { lists.len() } else { 1 };
        let listings = lists.chunks(at_once).map(|lists| -> Listing<'_> {
            Box::pin(self.connection.run(&script::DUE, lists, &arguments, None))
        });
        let mut page = DuePage { grants: Vec::new(), read_at: StoreTime::default() };
        for listing in all(listings.collect()).await? {
            let (read_at, grants) = reply::due(listing)?;
            page.read_at = page.read_at.max(read_at);
            page.grants.extend(grants);
        }
        page.grants.sort_unstable();
        page.grants.truncate(limit);
        Ok(page)
    }
}

/// What all of them bring, run at the same time; or the first error.
async fn all(mut listings: Vec<Listing<'_>>) -> Result<Vec<Vec<Value>>, StoreError> {
    let mut done = Vec::with_capacity(listings.len());
    std::future::poll_fn(move |context| {
        let mut failed = None;
        listings.retain_mut(|listing| match listing.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(Ok(values)) => {
                done.push(values);
                false
            }
            Poll::Ready(Err(error)) => {
                failed.get_or_insert(error);
                false
            }
        });
        match failed {
            Some(error) => Poll::Ready(Err(error)),
            None if listings.is_empty() => Poll::Ready(Ok(std::mem::take(&mut done))),
            None => Poll::Pending,
        }
    })
    .await
}
