// No thread.
console.log(((x) => x + 1)(41))
