export function words(text) {
  return split(text).length
}

function split(text) {
  return text.split(' ')
}
