import 'goro'
