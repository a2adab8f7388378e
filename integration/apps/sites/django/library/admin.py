from django.contrib import admin

from .models import Author, Book, Loan, Subject


class BookInline(admin.TabularInline):
    model = Book
    fields = ['title', 'kind', 'pages']
    extra = 0


@admin.register(Author)
class AuthorAdmin(admin.ModelAdmin):
    list_display = ['name', 'born']
    search_fields = ['name', 'books__title']
    inlines = [BookInline]


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):
    list_display = ['title', 'author', 'kind', 'pages', 'price']
    list_filter = ['kind', 'subjects', 'author']
    list_editable = ['pages']
    list_per_page = 3
    search_fields = ['title', 'author__name', 'subjects__title']
    ordering = ['-pages', 'id']
    filter_horizontal = ['subjects']


@admin.register(Loan)
class LoanAdmin(admin.ModelAdmin):
    list_display = ['book', 'reader', 'due', 'returned']
    date_hierarchy = 'due'
    list_filter = ['returned']
    list_select_related = ['book__author', 'reader']


admin.site.register(Subject)
