//! Work that must be finished once it has begun.
//!
//! A code is used up by the request that redeems it. If that request died with the browser's connection, the login
//! would be lost; so such work belongs to the gate and not to the request.

use std::{fmt, future::Future, time::Duration};
use tokio::{sync::watch, task::JoinHandle};
use tracing::Instrument as _;

/// The gate's own tasks.
#[derive(Debug)]
pub(crate) struct Tasks {
    running: watch::Sender<usize>,
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self {
            running: watch::Sender::new(0),
        }
    }

    /// Runs `work` to its end, whoever still waits for it.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let guard = Running::begin(self.running.clone());
        let work = async move {
            let _guard = guard;
            work.await
        };
        tokio::spawn(work.in_current_span())
    }

    /// Waits until nothing runs any more, at most until the deadline.
    pub(crate) async fn drain(&self, deadline: Duration) -> Result<(), Unfinished> {
        let mut running = self.running.subscribe();
        let idle = running.wait_for(|count| *count == 0);
        match tokio::time::timeout(deadline, idle).await {
            // The sender lives in `self`, so waiting cannot fail.
            Ok(_) => Ok(()),
            Err(_) => Err(Unfinished {
                tasks: *self.running.borrow(),
            }),
        }
    }
}

/// Counts a task for as long as it lives, also when it panics or the runtime drops it.
struct Running(watch::Sender<usize>);

impl Running {
    fn begin(running: watch::Sender<usize>) -> Self {
        running.send_modify(|count| *count += 1);
        Self(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// The deadline passed and work was still going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    tasks: usize,
}

impl Unfinished {
    /// How many pieces of work were left.
    pub fn tasks(&self) -> usize {
        self.tasks
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} logins and refreshes were still being finished at the deadline",
            self.tasks
        )
    }
}

impl std::error::Error for Unfinished {}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test(start_paused = true)]
    async fn drain_waits_for_work_whose_caller_has_gone() {
        let tasks = Tasks::new();
        let (finish, finished) = oneshot::channel::<()>();
        drop(tasks.spawn(finished));
        assert_eq!(
            tasks.drain(Duration::from_secs(5)).await,
            Err(Unfinished { tasks: 1 })
        );
        finish.send(()).unwrap();
        assert_eq!(tasks.drain(Duration::from_secs(5)).await, Ok(()));
    }

    #[tokio::test]
    async fn a_task_that_panics_is_not_waited_for() {
        let tasks = Tasks::new();
        assert!(tasks.spawn(async { panic!("on purpose") }).await.is_err());
        assert_eq!(tasks.drain(Duration::ZERO).await, Ok(()));
    }
}
