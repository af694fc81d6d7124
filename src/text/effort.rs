//! Counts how much of a text is examined. Tests use it to check that the cost of a long text is
//! linear in its length, whatever it contains. Outside tests nothing is counted.

#[cfg(test)]
thread_local! {
    static LOOKED_AT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Records that this many characters or bytes were examined.
#[cfg(test)]
pub fn looked_at(amount: usize) {
    LOOKED_AT.with(|count| count.set(count.get() + amount));
}

#[cfg(not(test))]
#[inline]
pub const fn looked_at(_: usize) {}

/// The amount that this function examines.
#[cfg(test)]
pub fn of<T>(work: impl FnOnce() -> T) -> usize {
    LOOKED_AT.with(|count| count.set(0));
    work();
    LOOKED_AT.with(std::cell::Cell::get)
}
