//! Room for deliveries: the bytes of all that came and are not answered yet. They are counted as they come, so that whoever
//! only announces much, or sends it slowly, takes nothing from the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

/// Bytes of all of them.
const ALL: usize = 256 * 1024 * 1024;
/// Bytes of those of one webhook: whoever knows one URL can't take the room of the others.
const OF_A_WEBHOOK: usize = ALL / 8;
/// The last part of all, for small ones: they still pass when large ones have filled their part.
const FOR_SMALL: usize = ALL / 4;
/// A small one: senders' own stay below.
const SMALL: usize = 32 * 1024;

/// What a delivery costs beside its head and its body: a stream or a connection, and the work on it.
const WORK: usize = 4 * 1024;

/// The room of the whole gate.
#[derive(Default)]
pub(crate) struct Room(AtomicUsize);

/// What a webhook has of what all share.
pub(crate) struct Share {
    /// Bytes of its deliveries.
    bytes: AtomicUsize,
    /// Its turn to have a large payload read.
    pub(crate) turn: Arc<Semaphore>,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

/// The room that one delivery takes, given back when this is dropped.
pub struct Held<'a> {
    room: &'a Room,
    share: Arc<Share>,
    bytes: usize,
}

impl<'a> Held<'a> {
    /// Nothing yet, of a webhook that has this share.
    pub(crate) const fn nothing(room: &'a Room, share: Arc<Share>) -> Self {
        Self {
            room,
            share,
            bytes: 0,
        }
    }

    /// Takes room for a delivery with so many bytes of head, however often it is judged. `false`: there is none.
    #[must_use]
    pub(crate) fn begin(&mut self, head: usize) -> bool {
        self.bytes > 0 || self.take(WORK + head)
    }

    /// Takes room for so many more bytes that came. `false`: there is none, and the body is to be dropped.
    #[must_use]
    pub fn take(&mut self, more: usize) -> bool {
        self.bytes += more;
        let all = self.room.0.fetch_add(more, Ordering::Relaxed) + more;
        let of_webhook = self.share.bytes.fetch_add(more, Ordering::Relaxed) + more;
        let most = if self.bytes > SMALL { ALL - FOR_SMALL } else { ALL };
        all <= most && of_webhook <= OF_A_WEBHOOK
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.room.0.fetch_sub(self.bytes, Ordering::Relaxed);
        self.share.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 1024 * 1024;

    /// As many bodies of this size as there is room for, of this webhook.
    fn fill<'a>(room: &'a Room, share: &Arc<Share>, size: usize) -> Vec<Held<'a>> {
        let body = || {
            let mut held = Held::nothing(room, Arc::clone(share));
            held.take(size).then_some(held)
        };
        std::iter::from_fn(body).take(ALL).collect()
    }

    #[test]
    fn one_webhook_takes_an_eighth_and_gives_it_back() {
        let (room, share) = (Room::default(), Arc::default());
        let held = fill(&room, &share, LARGE);
        assert_eq!(held.len(), OF_A_WEBHOOK / LARGE);
        assert_eq!(fill(&room, &Arc::default(), LARGE).len(), OF_A_WEBHOOK / LARGE);
        drop(held);
        assert_eq!(fill(&room, &share, LARGE).len(), OF_A_WEBHOOK / LARGE);
        assert_eq!(room.0.load(Ordering::Relaxed), 0);
        assert_eq!(share.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn small_bodies_pass_when_large_ones_have_filled_their_part() {
        let room = Room::default();
        let large: Vec<_> = (0..8).flat_map(|_| fill(&room, &Arc::default(), LARGE)).collect();
        assert_eq!(large.len(), (ALL - FOR_SMALL) / LARGE);
        let small: Vec<_> = (0..8).flat_map(|_| fill(&room, &Arc::default(), SMALL)).collect();
        assert_eq!(small.len(), FOR_SMALL / SMALL);
    }

    #[test]
    fn a_delivery_without_a_body_takes_room_too_and_only_once() {
        let (room, share) = (Room::default(), Arc::default());
        let mut held = Held::nothing(&room, Arc::clone(&share));
        assert!(held.begin(1) && held.begin(1));
        assert_eq!(room.0.load(Ordering::Relaxed), WORK + 1);
        let begin = || {
            let mut held = Held::nothing(&room, Arc::clone(&share));
            held.begin(0).then_some(held)
        };
        let others: Vec<_> = std::iter::from_fn(begin).take(ALL).collect();
        assert_eq!(others.len(), OF_A_WEBHOOK / WORK - 2);
    }

    #[test]
    fn what_comes_in_pieces_is_added_up() {
        let room = Room::default();
        let mut held = Held::nothing(&room, Arc::default());
        let pieces = (0..OF_A_WEBHOOK).take_while(|_| held.take(LARGE)).count();
        assert_eq!(pieces, OF_A_WEBHOOK / LARGE);
    }
}
