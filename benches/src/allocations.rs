//! Counts what the present thread allocates.

#![expect(unsafe_code, reason = "an allocator is an unsafe trait")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    ops::Sub,
};

/// How often memory was asked for, and how much of it. Growing a block counts as asking once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// How often.
    pub count: i64,
    /// How many bytes.
    pub bytes: i64,
}

impl Sub for Allocations {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            count: self.count - other.count,
            bytes: self.bytes - other.bytes,
        }
    }
}

/// What `work` allocates on this thread.
pub fn during(work: impl FnOnce()) -> Allocations {
    let before = SO_FAR.get();
    work();
    SO_FAR.get() - before
}

/// How many bytes more the present thread holds after `work` than before: what it asked for and has not given back. What one
/// thread asks for and another gives back is counted wrongly, so `work` stays on one.
pub fn held_after(work: impl FnOnce()) -> i64 {
    let before = HELD.get();
    work();
    HELD.get() - before
}

thread_local! {
    // Constant and without a destructor, so that reading it allocates nothing.
    static SO_FAR: Cell<Allocations> = const { Cell::new(Allocations { count: 0, bytes: 0 }) };
    static HELD: Cell<i64> = const { Cell::new(0) };
}

fn hold(bytes: i64) {
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

fn count(bytes: usize) {
    // A thread that ends may still free and allocate when its locals are gone; nobody measures that.
    let _ = SO_FAR.try_with(|so_far| {
        let Allocations { count, bytes: sum } = so_far.get();
        so_far.set(Allocations {
            count: count + 1,
            bytes: sum + bytes as i64,
        });
    });
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is handed to the system's allocator as it came, which keeps the contract; counting touches no
// memory that is handed out, and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        hold(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        hold(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        hold(size as i64 - layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        hold(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}
