// Without the compiler: nothing but the import is to be seen here.
import 'goro'
